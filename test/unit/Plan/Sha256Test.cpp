//===- Sha256Test.cpp - SHA-256 against FIPS 180-4 ------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Plan/Sha256.h"

#include "gtest/gtest.h"

#include <string>

using spillway::Sha256;

static std::string hash(const std::string &text, bool portable,
                        size_t piece = size_t(-1)) {
  Sha256 sha;
  if (portable)
    sha.forcePortable();
  for (size_t i = 0; i < text.size(); i += std::min(piece, text.size() - i))
    sha.update(text.data() + i, std::min(piece, text.size() - i));
  return Sha256::hex(sha.finish());
}

TEST(Sha256, PublishedVectors) {
  for (bool portable : {false, true}) {
    EXPECT_EQ(
        hash("", portable),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(
        hash("abc", portable),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(
        hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
             portable),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(
        hash(std::string(1000000, 'a'), portable),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST(Sha256, PiecesDoNotMatter) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += char(i * 7 + i / 256);
  for (size_t length : {55u, 56u, 63u, 64u, 65u, 119u, 120u, 128u, 1000u}) {
    std::string part = text.substr(0, length);
    std::string whole = hash(part, false);
    EXPECT_EQ(whole, hash(part, true)) << length;
    for (size_t piece : {1u, 7u, 63u, 64u, 100u})
      EXPECT_EQ(whole, hash(part, false, piece)) << length << " by " << piece;
  }
}
