// Reading records as they lie on the cartridge, for a drive in decryption mode RAW.
#include "tape/medium/cartridge_state.h"

namespace tapewarden::tape {

Status Cartridge::State::copy_raw(const RecordHeader& header, MutableByteView& into) {
  TRY(check_links(header, pos));
  TRY(stream.check_session(header));
  TRY(stream.check_payload(header, pos.offset));
  const ByteView body = TRY(stream.body_at(header, pos.offset));
  const std::size_t size = kHeaderBytes + body.size();
  if (into.size() < size) {
    if (read_buffer.size() < size) read_buffer.resize(size);
    into = read_buffer;
  }
  into = into.first(size);
  copy_bytes(into, encode_header(header));
  copy_bytes(into.subspan(kHeaderBytes), body);
  return {};
}

Result<RecordView> Cartridge::read_raw_record(MutableByteView into) {
  State& s = *state_;
  const RecordHeader* found = TRY(s.peek());
  if (found == nullptr || found->type != RecordType::kData || !found->encrypted) return read_record(into);
  const RecordHeader header = *found;
  const ChainState here = s.pos;
  const Status copied = s.copy_raw(header, into);
  ChainState behind = here;
  TRY(s.stream.skip(behind, header));
  s.move_to(behind);
  if (!copied) return in_context(name_of(header, here.offset), copied.error());
  s.stats.records_read += 1;
  s.stats.host_bytes_read += into.size();
  s.stats.stored_bytes_read += header.total_bytes();
  return RecordView{BlockKind::kData, into, true};
}

}  // namespace tapewarden::tape
