#include "tape/medium/full_scan.h"

#include <string>

#include "tape/medium/layout.h"

namespace tapewarden::tape {

namespace {

class Scan {
 public:
  Scan(RecordStream& stream, const Superblock& block, std::uint64_t file_bytes, const ScanVisitor& visitor)
      : stream_(stream),
        mark_(block.mark),
        closed_(block.closed),
        file_bytes_(file_bytes),
        visitor_(visitor) {
    if (auto stored = load_index(stream, block)) index_ = std::move(stored->index);
  }

  Result<ScanEnd> run() {
    ChainState& state = out_.end;
    while (state.offset < file_bytes_) {
      const bool synced = state.offset < mark_.length;
      const Status passed = synced ? synced_record(state) : tail_record(state);
      if (passed) continue;
      if (visitor_error_ || passed.error().code == ErrorCode::kIo) return std::unexpected(passed.error());
      const bool newer = passed.error().code == ErrorCode::kUnsupported;
      if (!synced && !newer) break;
      visitor_.fault(passed.error(), state.offset, state.object);
      out_.newer = out_.newer || newer;
      if (newer && !synced) return out_;
      if (!go_on_behind(state)) break;
    }
    if (file_bytes_ < mark_.length) {
      const auto short_file = fail(
          ErrorCode::kCorrupt, "the file ends before its sync mark at offset " + std::to_string(mark_.length),
          {}, {}, detail(MediumFault::kTruncated));
      visitor_.fault(short_file.error(), file_bytes_, state.object);
    }
    if (state.offset >= mark_.length && file_bytes_ > state.offset) {
      out_.torn_bytes = file_bytes_ - state.offset;
      out_.torn_harmless = TRY(torn_before_any_block(state));
    }
    return out_;
  }

 private:
  // Behind an end of data come its index or a session record, which is synced before anything follows it. So
  // a tail within one of those held no block; one that is longer, or cannot be told, may have.
  Result<bool> torn_before_any_block(const ChainState& state) {
    if (!out_.last_type || !ends_data(*out_.last_type)) return false;
    if (out_.torn_bytes < kHeaderBytes) return true;  // a block has more than a header
    const auto header = stream_.header_of(state.offset, file_bytes_);
    if (!header && header.error().code == ErrorCode::kIo) return std::unexpected(header.error());
    if (!header || !check_numbers(*header, state) || !check_links(*header, state)) return false;
    const bool no_block = header->type == RecordType::kIndex || header->type == RecordType::kSession;
    return no_block && header->total_bytes() >= out_.torn_bytes;
  }

  Status visit(const RecordHeader& header, const ChainState& before, bool linked) {
    Status visited = visitor_.record(header, before, linked);
    visitor_error_ = !visited;
    out_.last_type = header.type;
    const bool at_mark = before.offset + header.total_bytes() == mark_.length;
    out_.ended = stream_.ended_behind(header, out_.ended) || (closed_ && at_mark);
    out_.erased = closed_ && at_mark && !ends_data(header.type) && header.type != RecordType::kSession;
    return visited;
  }

  Status synced_record(ChainState& state) {
    const RecordHeader header = TRY(stream_.header_at(state.offset, mark_.length));
    const ChainState before = state;
    ChainState next = state;
    const Status passed = stream_.pass(next, header);
    if (!passed) {
      if (passed.error().code == ErrorCode::kIo) return passed;
      // The link of a damaged record breaks with it: that is said once; and so is it of a session.
      const bool newer = passed.error().code == ErrorCode::kUnsupported;
      const bool said = newer ? newer_session_ == header.session_id : damaged_before_;
      if (newer) newer_session_ = header.session_id;
      out_.newer = out_.newer || newer;
      if (!said) visitor_.fault(passed.error(), state.offset, header.logical_object);
      TRY(stream_.skip(next, header));
    }
    const bool whole = stream_.check_payload(header, before.offset).has_value();
    TRY(visit(header, before, passed.has_value()));
    damaged_before_ = !whole;
    if (next.offset == mark_.length && next.mark() != mark_ && whole && passed) {
      const auto misfit = fail(ErrorCode::kCorrupt, "the records do not fit the sync mark", {}, {},
                               detail(MediumFault::kChainBroken));
      visitor_.fault(misfit.error(), before.offset, header.logical_object);
    }
    state = next;
    return {};
  }

  Status tail_record(ChainState& state) {
    const RecordHeader header = TRY(stream_.header_at(state.offset, file_bytes_));
    TRY(stream_.check_payload(header, state.offset));
    const ChainState before = state;
    ChainState next = state;
    TRY(stream_.pass(next, header));
    TRY(visit(header, before, true));
    state = next;
    return {};
  }

  bool go_on_behind(ChainState& state) {
    std::uint64_t offset = state.offset;
    while (const auto next = index_.next_offset_after(offset)) {
      offset = *next;
      if (auto found = stream_.state_at(offset, mark_.length)) {
        state = *found;
        damaged_before_ = true;
        return true;
      }
    }
    return false;
  }

  RecordStream& stream_;
  SyncMark mark_;
  bool closed_;
  std::uint64_t file_bytes_;
  const ScanVisitor& visitor_;
  TapeIndex index_;
  ScanEnd out_;
  bool damaged_before_ = false;
  std::uint32_t newer_session_ = 0;  // told of
  bool visitor_error_ = false;
};

}  // namespace

Result<ScanEnd> scan_records(RecordStream& stream, const Superblock& block, std::uint64_t file_bytes,
                             const ScanVisitor& visitor) {
  return Scan(stream, block, file_bytes, visitor).run();
}

}  // namespace tapewarden::tape
