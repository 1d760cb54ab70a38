// Reading ahead: the next record is opened while its host is still busy with the last one.
#include "crypto/secret_bytes.h"
#include "tape/medium/cartridge_state.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {

void Cartridge::read_ahead() {
  State& s = *state_;
  if (s.ready || s.failure || s.pending != 0 || s.at_end()) return;
  const auto header = s.stream.header_at(s.pos.offset, s.end.offset);
  if (!header || header->type != RecordType::kData || header->host_length > kMaxAheadBytes) return;
  if (!check_numbers(*header, s.pos)) return;
  if (s.ahead_buffer.size() < header->host_length) {
    crypto::wipe(s.ahead_buffer);
    s.ahead_buffer = Bytes(header->host_length);
  }
  MutableByteView into = s.ahead_buffer;
  ChainState behind = s.pos;
  if (!s.open_record(*header, into) || !s.stream.skip(behind, *header))
    return crypto::wipe(MutableByteView(s.ahead_buffer).first(header->host_length));
  s.peeked = *header;
  s.ready = ReadyRecord{*header, behind};
}

bool Cartridge::has_read_ahead() const {
  return state_->ready.has_value();
}

void Cartridge::forget_read_ahead() {
  State& s = *state_;
  s.ready.reset();
  crypto::wipe(s.ahead_buffer);  // also what was asked for
  s.ahead_buffer = {};
}

Cartridge::State::~State() {
  crypto::wipe(ahead_buffer);
}

void Cartridge::State::drop_ready() {
  if (!ready) return;
  crypto::wipe(MutableByteView(ahead_buffer).first(ready->header.host_length));
  ready.reset();
}

RecordView Cartridge::State::take_ready(MutableByteView into) {
  const ReadyRecord taken = *std::exchange(ready, std::nullopt);
  const std::size_t size = taken.header.host_length;
  if (into.size() < size) {
    into = ahead_buffer;
  } else {
    copy_bytes(into, ByteView(ahead_buffer).first(size));
  }
  move_to(taken.behind);
  count_read(taken.header);
  return {BlockKind::kData, into.first(size), taken.header.encrypted};
}

}  // namespace tapewarden::tape
