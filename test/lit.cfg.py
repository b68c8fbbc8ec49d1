# -*- Python -*-
"""How lit runs the tests under test/ (see lit.site.cfg.py.in for where things are).

SPILLWAY_CHECK_ROUNDTRIP=1 in the environment makes every spillway-opt of every test
print what it parsed and parse it again (--verify-roundtrip).
"""

import os

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import FindTool, ToolSubst

config.name = "Spillway"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
# Inputs of tests, and what other runners run.
config.excludes = ["Inputs", "CMakeLists.txt", "lib", "python", "unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.build_root, "test")

# %targets, %examples: what the repository ships. %python: with numpy and onnx.
config.substitutions += [
    ("%targets", os.path.join(config.source_root, "targets")),
    ("%examples", os.path.join(config.source_root, "examples")),
    ("%shlibext", ".so"),
    ("%libs", os.path.join(config.build_root, "lib")),
    ("%python", config.python),
]
llvm_config.with_environment("PYTHONDONTWRITEBYTECODE", "1")

opt_arguments = []
if os.environ.get("SPILLWAY_CHECK_ROUNDTRIP", "0") not in ("", "0"):
    opt_arguments = ["--verify-roundtrip"]

tools = [
    ToolSubst("spillway-import-test", unresolved="ignore"),
    ToolSubst("spillway-mutate", unresolved="ignore"),
    ToolSubst("spillway-opt", extra_args=opt_arguments, unresolved="ignore"),
    ToolSubst("spillwayc", unresolved="ignore"),
    ToolSubst("spillway-plan", unresolved="ignore"),
    ToolSubst("spillway-reduce", unresolved="ignore"),
    ToolSubst("spillway-run", unresolved="ignore"),
    ToolSubst("FileCheck", unresolved="fatal"),
    ToolSubst("not", unresolved="fatal"),
    ToolSubst("split-file", unresolved="fatal"),
]
llvm_config.add_tool_substitutions(tools, [config.tools_dir, config.llvm_tools_dir])

# The features: `compiler` where it was built, `root` where permissions do not bind
# (a test of a read-only file needs `!root`).
if config.build_compiler:
    config.available_features.add("compiler")
else:
    config.excludes += ["Conversion", "Dialect", "Examples", "Export", "Import", "Target", "Tools",
                        "Transforms"]
if os.geteuid() == 0:
    config.available_features.add("root")
