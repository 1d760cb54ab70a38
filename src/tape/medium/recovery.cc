#include "tape/medium/recovery.h"

#include <string>

#include "tape/medium/layout.h"

namespace tapewarden::tape {

namespace {

std::unexpected<Error> mark_misfit(const ChainState& state) {
  return fail(ErrorCode::kCorrupt,
              "the records up to offset " + std::to_string(state.offset) + " do not fit the sync mark",
              "sync mark", "verify the cartridge; it may have been put together from two",
              detail(MediumFault::kChainBroken));
}

// Passes one record. Behind the mark it must be whole in every respect; before it, damage is remembered and
// passed where the header allows.
Status step(RecordStream& stream, ChainState& state, Recovered& out, const Superblock& block,
            std::uint64_t file_bytes) {
  const SyncMark& mark = block.mark;
  const bool synced = state.offset < mark.length;
  const RecordHeader header = TRY(stream.header_at(state.offset, synced ? mark.length : file_bytes));
  if (!synced) TRY(stream.check_payload(header, state.offset));
  const std::uint64_t at = state.offset;
  ChainState next = state;
  const Status passed = stream.pass(next, header);
  if (!passed && (!synced || passed.error().code == ErrorCode::kIo)) return passed;
  if (!passed) {
    if (!out.damage) out.damage = passed.error();
    TRY(stream.skip(next, header));
  }
  if (next.offset == mark.length && next.mark() != mark && !out.damage)
    out.damage = mark_misfit(next).error();
  state = next;
  out.index.note(header, at);
  out.last_type = header.type;
  out.ended = stream.ended_behind(header, out.ended) || (block.closed && state.offset == mark.length);
  return {};
}

}  // namespace

Result<StoredIndex> load_index(RecordStream& stream, const Superblock& block) {
  if (block.index_offset == 0) return fail(ErrorCode::kNotFound, "no index is stored");
  const RecordHeader header = TRY(stream.header_at(block.index_offset, block.mark.length));
  if (header.type != RecordType::kIndex)
    return fail(ErrorCode::kCorrupt, "the index record is not in its place");
  TRY(stream.check_payload(header, block.index_offset));
  const ByteView payload = TRY(stream.body_at(header, block.index_offset));
  StoredIndex out;
  out.index = TRY(TapeIndex::decode(payload, block.index_offset));
  if (out.index.filemarks().size() != header.file_number || out.index.sessions().empty() ||
      out.index.sessions().back().id != header.session_id) {
    return fail(ErrorCode::kCorrupt, "the index record contradicts its own header");
  }
  out.behind.offset = block.index_offset + header.total_bytes();
  out.behind.previous_offset = block.index_offset;
  out.behind.link = link_of(header, {}, {});
  out.behind.object = header.logical_object;
  out.behind.file = header.file_number;
  out.behind.session_id = header.session_id;
  for (const TapeIndex::Session& session : out.index.sessions()) {
    // A damaged session record makes that session's records unreadable, not the rest of the cartridge.
    const Status loaded = stream.load_session(session, block.index_offset);
    if (!loaded && loaded.error().code == ErrorCode::kIo) return std::unexpected(loaded.error());
  }
  return out;
}

Result<Recovered> recover(RecordStream& stream, const Superblock& block, std::uint64_t file_bytes) {
  Recovered out;
  const SyncMark& mark = block.mark;
  if (file_bytes < mark.length) {
    out.damage = fail(ErrorCode::kCorrupt,
                      "the file ends at offset " + std::to_string(file_bytes) + ", before its sync mark at " +
                          std::to_string(mark.length),
                      "file length", "restore the file or read another copy", detail(MediumFault::kTruncated))
                     .error();
  }
  ChainState state = ChainState::beginning();
  if (auto stored = load_index(stream, block)) {
    state = stored->behind;
    out.index = std::move(stored->index);
    out.used_index = true;
    out.last_type = RecordType::kIndex;
    out.ended = true;
  } else if (stored.error().code == ErrorCode::kIo) {
    return std::unexpected(stored.error());
  }
  if (state.offset == mark.length && state.mark() != mark) out.damage = mark_misfit(state).error();
  while (state.offset < file_bytes) {
    const Status passed = step(stream, state, out, block, file_bytes);
    if (passed) continue;
    if (passed.error().code == ErrorCode::kIo) return std::unexpected(passed.error());
    // What a later version wrote behind the mark is no torn tail: nobody may cut it off.
    if (state.offset < mark.length || passed.error().code == ErrorCode::kUnsupported) {
      if (!out.damage) out.damage = passed.error();
      out.stopped = true;
    }
    break;
  }
  if (!out.damage && !stream.newer_sessions().empty()) out.damage = stream.newer_sessions().begin()->second;
  out.stopped = out.stopped || state.offset < mark.length;
  out.end = state;
  return out;
}

}  // namespace tapewarden::tape
