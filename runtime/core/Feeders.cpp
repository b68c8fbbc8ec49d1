//===- Feeders.cpp - Where a step's inputs come from ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Feeders.h"
#include "Error.h"
#include "Numbers.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace spillway;
using namespace spillway::rt;

namespace {

class HyperFeeder final : public Feeder {
public:
  HyperFeeder(const plan::Tensor &tensor, const LrSchedule &lr)
      : lr(lr), dtype(tensor.dtype()), base(tensor.fill()) {
    std::string name = tensor.name()->str();
    isLr = name == "lr";
    isStep = name == "step";
  }

  bool feed(int64_t step, void *to, FeedError &) override {
    if (isStep && isInteger(dtype))
      storeInteger(dtype, step + 1, to);
    else if (isStep)
      storeNumber(dtype, double(step + 1), to);
    else
      storeNumber(dtype, isLr ? base * lr.factor(step + 1) : base, to);
    return true;
  }

private:
  const LrSchedule &lr;
  DType dtype;
  double base;
  bool isLr, isStep;
};

/// Runs of elements of a file, converted and checked on their way into a
/// tensor.
class ElementReader {
public:
  ElementReader(const plan::Tensor &tensor, const InputFile &file,
                DType fileType, bool isUnsigned16)
      : tensor(tensor), file(file), fileType(fileType),
        isUnsigned16(isUnsigned16), to(tensor.dtype()) {
    checked = isInteger(to) && isInteger(fileType);
    if (checked)
      staging.resize(staged * elementBytes(fileType));
  }

  bool isChecked() const { return checked; }

  /// Elements [first, first + count) from byte `base` of the file on.
  bool read(uint64_t base, uint64_t first, uint64_t count, uint8_t *out,
            FeedError &error) {
    uint64_t from = elementBytes(fileType);
    if (!checked)
      return readBytes(out, base + first * from, count * from, error);
    for (uint64_t done = 0; done < count;) {
      uint64_t piece = std::min<uint64_t>(staged, count - done);
      if (!readBytes(staging.data(), base + (first + done) * from, piece * from,
                     error))
        return false;
      if (!convert(piece, base + (first + done) * from,
                   out + done * elementBytes(to), error))
        return false;
      done += piece;
    }
    return true;
  }

private:
  static constexpr uint64_t staged = 8192; // elements

  bool readBytes(uint8_t *out, uint64_t offset, uint64_t bytes,
                 FeedError &error) {
    int64_t n = file.read(out, bytes, offset);
    if (n >= 0 && uint64_t(n) == bytes)
      return true;
    std::snprintf(error.message, sizeof(error.message),
                  "cannot read data '%s': expected %llu bytes at offset %llu, "
                  "found %lld: did the file change?",
                  file.path().c_str(), (unsigned long long)bytes,
                  (unsigned long long)offset, (long long)n);
    return false;
  }

  bool convert(uint64_t count, uint64_t offset, uint8_t *out,
               FeedError &error) {
    uint64_t from = elementBytes(fileType), step = elementBytes(to);
    int64_t limit = tensor.vocabulary(), ignored = tensor.ignore_index();
    bool plainBytes = fileType == DType::U8 && limit >= 256;
    for (uint64_t i = 0; i < count; ++i) {
      const uint8_t *at = staging.data() + i * from;
      int64_t value = loadInteger(fileType, at);
      if (isUnsigned16)
        value &= 0xffff;
      if (!plainBytes && limit > 0 && value != ignored &&
          (value < 0 || value >= limit)) {
        std::snprintf(error.message, sizeof(error.message),
                      "token %lld in '%s' (element %llu, at byte %llu) is "
                      "outside of the vocabulary of input '%s': expected 0 to "
                      "%lld",
                      (long long)value, file.path().c_str(),
                      (unsigned long long)((offset + i * from) / from),
                      (unsigned long long)(offset + i * from),
                      tensor.name()->c_str(), (long long)(limit - 1));
        return false;
      }
      if (!storeInteger(to, value, out + i * step)) {
        std::snprintf(error.message, sizeof(error.message),
                      "value %lld in '%s' (at byte %llu) does not fit input "
                      "'%s' of type %s",
                      (long long)value, file.path().c_str(),
                      (unsigned long long)(offset + i * from),
                      tensor.name()->c_str(), safetensorsName(to));
        return false;
      }
    }
    return true;
  }

  const plan::Tensor &tensor;
  const InputFile &file;
  DType fileType;
  bool isUnsigned16;
  DType to;
  bool checked;
  std::vector<uint8_t> staging;
};

uint64_t samplesOf(const plan::Tensor &tensor) {
  return tensor.sizes() && tensor.sizes()->size()
             ? uint64_t(tensor.sizes()->Get(0))
             : 1;
}

uint64_t elementsOf(const plan::Tensor &tensor) {
  return tensor.sizes() ? *countElements(*tensor.sizes()) : 1;
}

/// Takes `batch` samples a step from `samples` of them, in order, wrapping.
class WindowFeeder final : public Feeder {
public:
  WindowFeeder(const plan::Tensor &tensor, std::shared_ptr<InputFile> keep,
               const InputFile &file, DType fileType, bool isUnsigned16,
               uint64_t base, uint64_t samples, uint64_t batch, uint64_t length,
               uint64_t shift)
      : keep(std::move(keep)), reader(tensor, file, fileType, isUnsigned16),
        bytes(elementsOf(tensor) * elementBytes(tensor.dtype())),
        stride(length * elementBytes(tensor.dtype())), base(base),
        samples(samples), batch(batch), length(length), shift(shift) {}

  bool feed(int64_t step, void *to, FeedError &error) override {
    auto *out = static_cast<uint8_t *>(to);
    auto sample =
        uint64_t((unsigned __int128)(uint64_t(step)) * batch % samples);
    for (uint64_t done = 0; done < batch;) {
      uint64_t run = std::min(batch - done, samples - sample);
      if (!reader.read(base, sample * length + shift, run * length,
                       out + done * stride, error)) {
        std::memset(to, 0, bytes);
        return false;
      }
      done += run;
      sample = (sample + run) % samples;
    }
    return true;
  }

  int64_t period() const override {
    return reader.isChecked() ? int64_t(samples / batch + 1) : -1;
  }

private:
  std::shared_ptr<InputFile> keep;
  ElementReader reader;
  uint64_t bytes, stride, base, samples, batch, length, shift;
};

} // namespace

std::unique_ptr<Feeder>
spillway::rt::createHyperFeeder(const plan::Tensor &tensor,
                                const LrSchedule &lr) {
  if (elementsOf(tensor) != 1)
    fail("hyperparameter '%s' is no scalar: the host does not know how to fill "
         "it",
         tensor.name()->c_str());
  return std::make_unique<HyperFeeder>(tensor, lr);
}

std::unique_ptr<Feeder>
spillway::rt::createSampleFeeder(const plan::Tensor &tensor,
                                 const FileTensor &from) {
  const char *name = tensor.name()->c_str(), *path = from.file->path().c_str();
  std::vector<int64_t> expected;
  if (tensor.sizes())
    expected.assign(tensor.sizes()->begin(), tensor.sizes()->end());
  bool scalar = expected.empty();
  if (scalar)
    expected.push_back(1);
  bool lossless = from.dtype == tensor.dtype() ||
                  (isInteger(from.dtype) && isInteger(tensor.dtype()));
  if (!lossless)
    fail("data '%s': input '%s': expected %s, found %s", path, name,
         safetensorsName(tensor.dtype()), safetensorsName(from.dtype));
  if (from.sizes.size() != expected.size() ||
      !std::equal(expected.begin() + 1, expected.end(), from.sizes.begin() + 1))
    fail("data '%s': input '%s': expected samples of %s, found %s", path, name,
         dimensions(std::vector<int64_t>(expected.begin() + 1, expected.end()))
             .c_str(),
         dimensions(from.sizes).c_str());
  uint64_t batch = samplesOf(tensor), samples = uint64_t(from.sizes[0]);
  if (!batch || samples < batch)
    fail("data '%s' is shorter than a batch: input '%s' needs %llu samples, "
         "found %llu",
         path, name, (unsigned long long)batch, (unsigned long long)samples);
  return std::make_unique<WindowFeeder>(tensor, nullptr, *from.file, from.dtype,
                                        false, from.offset, samples, batch,
                                        elementsOf(tensor) / batch, 0);
}

std::unique_ptr<Feeder>
spillway::rt::createTokenFeeder(const plan::Tensor &tensor,
                                const TokenWindows &windows, uint64_t shift) {
  return std::make_unique<WindowFeeder>(
      tensor, windows.file, *windows.file, windows.dtype,
      windows.dtype == DType::I16, 0, windows.samples,
      elementsOf(tensor) / windows.length, windows.length, shift);
}
