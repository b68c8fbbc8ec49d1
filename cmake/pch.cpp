// Carries the precompiled header that the compiler targets reuse.
