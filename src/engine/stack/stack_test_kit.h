// A tape of blocks and filemarks in memory, for tests of what stands on cartridges. Not part of the library.
#pragma once

#include <stdexcept>

#include "engine/stack/stack_reader.h"
#include "engine/stack/stack_writer.h"

namespace tapewarden::engine::test {

template <typename T>
T take(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
inline void done(const Status& status) {
  if (!status) throw std::runtime_error(status.error().text());
}

class MemoryTape final : public BlockSink, public BlockSource {
 public:
  Result<SinkRoom> write_block(ByteView block) override {
    if (broken) return fail(ErrorCode::kIo, "the drive is broken");
    if (full_at && objects.size() >= *full_at) return fail(ErrorCode::kExhausted, "full");
    objects.push_back({SourceBlock::Kind::kBlock, to_bytes(block)});
    return room();
  }
  Result<SinkRoom> write_filemark() override {
    if (full_at && objects.size() >= *full_at) return fail(ErrorCode::kExhausted, "full");
    objects.push_back({SourceBlock::Kind::kFilemark, {}});
    return room();
  }
  Result<SourceBlock> read_block() override {
    if (unreadable && position == *unreadable) return fail(ErrorCode::kCorrupt, "unreadable");
    if (position >= objects.size()) return SourceBlock{};
    const auto& object = objects[position++];
    return SourceBlock{object.kind, crypto::WipedBytes(object.data)};
  }
  SinkRoom room() const {
    return warning_at && objects.size() > *warning_at ? SinkRoom::kEarlyWarning : SinkRoom::kEnough;
  }

  struct Object {
    SourceBlock::Kind kind = SourceBlock::Kind::kEndOfData;
    Bytes data{};
  };
  std::vector<Object> objects;
  std::size_t position = 0;
  std::optional<std::size_t> warning_at;  // that many objects fit before the warning
  std::optional<std::size_t> full_at;
  std::optional<std::size_t> unreadable;
  bool broken = false;
};

inline Uuid uuid_of(std::uint8_t seed) {
  return Uuid::from(Bytes(16, seed));
}

inline CartridgeLabel sample_label() {
  return {.engine = uuid_of(7),
          .barcode = "A00001L9",
          .medium = 3,
          .pool = 1,
          .created = from_millis(1'790'000'000'000)};
}

inline ImageHeader sample_header(std::uint64_t bytes, std::uint32_t file = 1) {
  return {.identity = {.kind = ImageKind::kLogicalVolume,
                       .volser = "LV0001",
                       .volume = uuid_of(9),
                       .generation = 4,
                       .copy = 1,
                       .engine = uuid_of(7),
                       .barcode = "A00001L9",
                       .medium = 3,
                       .file = file},
          .storage_group = "PAYROLL",
          .management_class = "--------",
          .category = ImageCategory::kPrivate,
          .preference = 1,
          .inserted = from_millis(1'789'000'000'000),
          .written = from_millis(1'789'500'000'000),
          .parts = {{.index = 0, .name = "LV0001", .bytes = bytes}}};
}

inline Bytes content(std::size_t size, std::uint8_t seed = 1) {
  Bytes bytes(size);
  std::uint32_t noise = seed * 2654435761U + 1;
  for (auto& byte : bytes) {
    noise = noise * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(noise >> 24U);
  }
  return bytes;
}

}  // namespace tapewarden::engine::test
