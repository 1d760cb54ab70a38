#include "tape/medium/record_stream.h"

#include <algorithm>
#include <string>

#include "base/crc32c.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape {

namespace {

constexpr std::size_t kSmallFetch = 512;
constexpr std::size_t kLargeFetch = 64U << 10;

std::unexpected<Error> broken(const RecordHeader& header, const ChainState& state, const char* what) {
  return fail(ErrorCode::kCorrupt,
              name_of(header, state.offset) + " does not follow the one before it: " + what, "record chain",
              "verify the cartridge to see how far the damage goes", detail(MediumFault::kChainBroken));
}

}  // namespace

ChainState ChainState::beginning() {
  ChainState state;
  state.offset = kDataStart;
  return state;
}

SyncMark ChainState::mark() const {
  return {offset, previous_offset, object, file, session_id, link};
}

Status check_links(const RecordHeader& header, const ChainState& state) {
  if (header.previous_offset != state.previous_offset) return broken(header, state, "previous offset");
  if (header.previous_link != head_of(state.link)) return broken(header, state, "link");
  return {};
}

Status check_numbers(const RecordHeader& header, const ChainState& state) {
  if (header.logical_object != state.object) return broken(header, state, "object number");
  if (header.file_number != state.file) return broken(header, state, "file number");
  const bool opens = header.type == RecordType::kSession;
  if (opens ? header.session_id <= state.session_id : header.session_id != state.session_id)
    return broken(header, state, "session");
  return {};
}

ChainState after(const RecordHeader& header, const ChainState& state, const Link& link) {
  ChainState next;
  next.offset = state.offset + header.total_bytes();
  next.previous_offset = state.offset;
  next.link = link;
  next.object = state.object + (header.is_object() ? 1 : 0);
  next.file = state.file + (header.type == RecordType::kFilemark ? 1 : 0);
  next.session_id = header.session_id;
  return next;
}

Result<RecordHeader> RecordStream::header_of(std::uint64_t offset, std::uint64_t end, std::size_t ahead) {
  const auto located = [offset](Error error) {
    return in_context("offset " + std::to_string(offset), std::move(error));
  };
  if (offset >= end || end - offset < kHeaderBytes) {
    return fail(ErrorCode::kCorrupt, "the file ends within the record at offset " + std::to_string(offset),
                {}, {}, detail(MediumFault::kTruncated));
  }
  ahead = static_cast<std::size_t>(std::min<std::uint64_t>(ahead, end - offset));
  auto bytes = window_.at(offset, kHeaderBytes, ahead);
  if (!bytes) return located(bytes.error());
  auto header = decode_header(*bytes);
  if (!header) return located(header.error());
  if (header->partition != partition_) {
    return fail(ErrorCode::kCorrupt, name_of(*header, offset) + " belongs to another partition",
                "record header", {}, detail(MediumFault::kChainBroken));
  }
  return header;
}

Result<RecordHeader> RecordStream::header_at(std::uint64_t offset, std::uint64_t end, std::size_t ahead) {
  if (ahead == kWalkAhead) ahead = last_total_ > kLargeFetch / 2 ? kSmallFetch : kLargeFetch;
  const RecordHeader header = TRY(header_of(offset, end, ahead));
  if (header.total_bytes() > end - offset) {
    return fail(ErrorCode::kCorrupt, name_of(header, offset) + " is cut short", {}, {},
                detail(MediumFault::kTruncated));
  }
  last_total_ = header.total_bytes();
  return header;
}

Result<ByteView> RecordStream::body_at(const RecordHeader& header, std::uint64_t offset) {
  const auto total = static_cast<std::size_t>(header.total_bytes());
  // The next header comes along, so that a run of equal records costs one read each.
  const ByteView all = TRY(window_.at(offset, total, total + kHeaderBytes));
  return all.subspan(kHeaderBytes);
}

Status RecordStream::check_payload(const RecordHeader& header, std::uint64_t offset) {
  if (crc32c(TRY(body_at(header, offset))) != header.payload_crc) {
    return fail(ErrorCode::kCorrupt, name_of(header, offset) + " does not fit its checksum", "record", {},
                detail(MediumFault::kPayloadDamaged));
  }
  return {};
}

Status RecordStream::check_session(const RecordHeader& header) const {
  const SessionEntry* entry = TRY(session(header.session_id));
  const bool expected = entry->info.encrypted() && header.type != RecordType::kIndex;
  if (header.encrypted != expected) {
    return fail(ErrorCode::kCorrupt,
                "a record is clear where its session is encrypted, or the other way round", "record", {},
                detail(MediumFault::kChainBroken));
  }
  return {};
}

Status RecordStream::pass(ChainState& state, const RecordHeader& header) {
  TRY(check_numbers(header, state));
  TRY(check_links(header, state));
  if (header.type == RecordType::kSession) {
    SessionEntry entry = TRY(read_session(header, state.offset));
    if (entry.info.previous_link != state.link || entry.info.start_object != state.object ||
        entry.info.start_file != state.file) {
      return broken(header, state, "session record");
    }
    const Link link = entry.link;
    sessions_[header.session_id] = std::move(entry);
    state = after(header, state, link);
    return {};
  }
  if (auto ok = check_session(header); !ok) return in_context(name_of(header, state.offset), ok.error());
  state = after(header, state, TRY(link_at(header, state.offset)));
  return {};
}

Status RecordStream::skip(ChainState& state, const RecordHeader& header) {
  TRY(check_numbers(header, state));
  if (header.type == RecordType::kSession) {
    if (auto entry = read_session(header, state.offset)) sessions_[header.session_id] = std::move(*entry);
  }
  state = after(header, state, TRY(link_at(header, state.offset)));
  return {};
}

Result<Link> RecordStream::link_at(const RecordHeader& header, std::uint64_t offset) {
  if (header.type == RecordType::kSession) return link_of(header, TRY(body_at(header, offset)), {});
  if (!header.encrypted) return link_of(header, {}, {});
  const std::uint64_t tag_at = offset + header.total_bytes() - kTagBytes;
  return link_of(header, {}, TRY(window_.at(tag_at, kTagBytes, kTagBytes + kHeaderBytes)));
}

Result<SessionEntry> RecordStream::read_session(const RecordHeader& header, std::uint64_t offset) {
  TRY(check_payload(header, offset));
  const ByteView payload = TRY(body_at(header, offset));
  SessionEntry entry;
  entry.offset = offset;
  entry.link = link_of(header, payload, {});
  auto info = decode_session(payload);
  if (!info && info.error().code == ErrorCode::kUnsupported)
    newer_.insert_or_assign(header.session_id, info.error());
  if (!info) return in_context(name_of(header, offset), info.error());
  entry.info = std::move(*info);
  if (entry.info.volume != volume_) {
    return fail(ErrorCode::kCorrupt, name_of(header, offset) + " belongs to another cartridge",
                "session record", {}, detail(MediumFault::kChainBroken));
  }
  return entry;
}

bool RecordStream::ended_behind(const RecordHeader& header, bool ended_before) const {
  if (header.type == RecordType::kSyncMark) return ended_before;
  if (header.type != RecordType::kSession) return ends_data(header.type);
  const auto entry = sessions_.find(header.session_id);
  return ended_before || (entry != sessions_.end() && entry->second.info.behind_end);
}

Status RecordStream::load_session(const TapeIndex::Session& place, std::uint64_t end) {
  const RecordHeader header = TRY(header_at(place.offset, end));
  if (header.type != RecordType::kSession || header.session_id != place.id) {
    return fail(ErrorCode::kCorrupt, "the index names a session that is not there", "index record");
  }
  sessions_[place.id] = TRY(read_session(header, place.offset));
  return {};
}

Result<const SessionEntry*> RecordStream::session(std::uint32_t id) const {
  const auto found = sessions_.find(id);
  if (found != sessions_.end()) return &found->second;
  if (const auto newer = newer_.find(id); newer != newer_.end()) return std::unexpected(newer->second);
  return fail(ErrorCode::kCorrupt, "the record of session " + std::to_string(id) + " cannot be read",
              "session record", {}, detail(MediumFault::kHeaderDamaged));
}

Result<ChainState> RecordStream::state_before(const TapeIndex::Block& object, std::uint64_t end) {
  const ChainState state = TRY(state_at(object.offset, end));
  const RecordHeader header = TRY(header_at(object.offset, end));
  if (!header.is_object() || state.object != object.object || state.file != object.file_number) {
    return fail(ErrorCode::kCorrupt,
                "the index does not fit the record at offset " + std::to_string(object.offset),
                "index record", {}, detail(MediumFault::kChainBroken));
  }
  return state;
}

Result<ChainState> RecordStream::state_at(std::uint64_t offset, std::uint64_t end) {
  const RecordHeader header = TRY(header_at(offset, end));
  ChainState state{offset,           header.previous_offset, {}, header.logical_object, header.file_number,
                   header.session_id};
  if (header.type == RecordType::kSession) --state.session_id;
  const std::uint64_t before = header.previous_offset;
  if (before == 0 && offset == kDataStart) return state;
  const auto previous = before >= kDataStart && before < offset
                            ? header_at(before, offset)
                            : Result<RecordHeader>(fail(ErrorCode::kCorrupt, "no record before"));
  if (previous && before + previous->total_bytes() == offset) {
    state.link = TRY(link_at(*previous, before));
  } else if (offset >= kDataStart + kTagBytes) {
    // The record before is damaged; if it was encrypted, its tag may still lie right before this one.
    copy_bytes(state.link, TRY(window_.at(offset - kTagBytes, kTagBytes)));
  }
  return state;
}

void RecordStream::cut(std::uint64_t offset) {
  window_.forget();
  std::erase_if(sessions_, [offset](const auto& item) { return item.second.offset >= offset; });
}

}  // namespace tapewarden::tape
