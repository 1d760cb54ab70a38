#include "host_drive.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::size_t kSeedBytes = 8;
constexpr std::size_t kBlockLimit = 1U << 20;

std::unexpected<Error> failed(const tape::TapeError& error) {
  return fail(ErrorCode::kIo, error.text());
}

}  // namespace

Bytes block_of(const HostObject& object) {
  Bytes bytes(object.bytes);
  std::uint64_t state = object.seed * 0x9e3779b97f4a7c15ULL + 1;
  for (auto& byte : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<std::uint8_t>(state >> 56U);
  }
  for (std::size_t i = 0; i < kSeedBytes; ++i)
    bytes[i] = static_cast<std::uint8_t>(object.seed >> (8 * (kSeedBytes - 1 - i)));
  return bytes;
}

std::string text_of(const HostTape& tape) {
  std::string text;
  for (const auto& object : tape)
    text += object.bytes == 0 ? "| " : std::to_string(object.seed) + ":" + std::to_string(object.bytes) + " ";
  return text;
}

Result<HostDrive::State> HostDrive::state() {
  constexpr int kAttentions = 10;
  for (int i = 0; i < kAttentions; ++i) {
    const auto ready = drive_.test_ready();
    if (ready) return State::kReady;
    const auto code = ready.error().sense.code;
    if (code.key == scsi::SenseKey::kUnitAttention) continue;
    if (code == codes::kNotReadyLoading) return State::kBecomingReady;
    if (code == codes::kMediumNotPresent) return State::kEmpty;
    return failed(ready.error());
  }
  return fail(ErrorCode::kIo, "unit attentions without an end");
}

Status HostDrive::write(const HostTape& objects, bool append, std::size_t& written) {
  written = 0;
  const auto placed = append ? drive_.to_end_of_data() : drive_.rewind();
  if (!placed) return failed(placed.error());
  for (const auto& object : objects) {
    const auto put = object.bytes == 0 ? drive_.write_filemarks(1) : drive_.write_block(block_of(object));
    if (!put) return failed(put.error());
    ++written;
  }
  return {};
}

Result<HostTape> HostDrive::read() {
  if (const auto rewound = drive_.rewind(); !rewound) return failed(rewound.error());
  HostTape tape;
  while (true) {
    const auto outcome = drive_.read_block(kBlockLimit);
    if (!outcome) return failed(outcome.error());
    if (outcome->kind == tape::ReadOutcome::Kind::kEndOfData) return tape;
    HostObject object;
    if (outcome->kind == tape::ReadOutcome::Kind::kBlock) {
      object.bytes = outcome->data.size();
      for (std::size_t i = 0; i < kSeedBytes && i < object.bytes; ++i)
        object.seed = object.seed << 8U | outcome->data[i];
      if (object.bytes < kSeedBytes || outcome->data != block_of(object))
        return fail(ErrorCode::kCorrupt, "object " + std::to_string(tape.size()) + " is no block of a host");
    }
    tape.push_back(object);
  }
}

}  // namespace tapewarden::engine::test
