#include "tape/medium/tape_index.h"

#include <algorithm>

#include "tape/medium/layout.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {

namespace {

constexpr std::size_t kCountsBytes = 24;
constexpr std::size_t kBlockBytes = 20;
constexpr std::size_t kFilemarkBytes = 16;
constexpr std::size_t kSessionBytes = 12;

template <typename Entry>
void drop_from(std::vector<Entry>& entries, std::uint64_t offset) {
  entries.erase(std::ranges::lower_bound(entries, offset, {}, &Entry::offset), entries.end());
}

std::unexpected<Error> bad_index(const char* what) {
  return fail(ErrorCode::kCorrupt, std::string("index record ") + what, "index record");
}

// That `next` may follow `last` in a list.
template <typename Entry>
bool ascends(const std::vector<Entry>& list, const Entry& next) {
  if (list.empty()) return true;
  if constexpr (requires { next.object; }) {
    if (list.back().object >= next.object) return false;
  } else {
    if (list.back().id >= next.id) return false;
  }
  return list.back().offset < next.offset;
}

}  // namespace

void TapeIndex::note(const RecordHeader& header, std::uint64_t offset) {
  if (header.type == RecordType::kSession) sessions_.push_back({header.session_id, offset});
  if (header.type == RecordType::kFilemark) filemarks_.push_back({header.logical_object, offset});
  if (!header.is_object()) return;
  if (blocks_.empty() || offset >= blocks_.back().offset + kIndexStrideBytes) {
    blocks_.push_back({header.logical_object, offset, header.file_number});
  }
}

void TapeIndex::cut(std::uint64_t offset) {
  drop_from(blocks_, offset);
  drop_from(filemarks_, offset);
  drop_from(sessions_, offset);
}

std::uint64_t TapeIndex::filemarks_before(std::uint64_t object) const {
  const auto found = std::ranges::lower_bound(filemarks_, object, {}, &Filemark::object);
  return static_cast<std::uint64_t>(found - filemarks_.begin());
}

std::optional<TapeIndex::Block> TapeIndex::nearest(std::uint64_t object) const {
  std::optional<Block> best;
  const auto block = std::ranges::upper_bound(blocks_, object, {}, &Block::object);
  if (block != blocks_.begin()) best = *std::prev(block);
  const auto mark = std::ranges::upper_bound(filemarks_, object, {}, &Filemark::object);
  if (mark != filemarks_.begin()) {
    const auto number = static_cast<std::uint32_t>(std::prev(mark) - filemarks_.begin());
    const Block at_mark{std::prev(mark)->object, std::prev(mark)->offset, number};
    if (!best || at_mark.object > best->object) best = at_mark;
  }
  return best;
}

std::optional<std::uint64_t> TapeIndex::next_offset_after(std::uint64_t offset) const {
  std::optional<std::uint64_t> best;
  const auto consider = [&](const auto& entries) {
    const auto found =
        std::ranges::upper_bound(entries, offset, {}, [](const auto& entry) { return entry.offset; });
    if (found != entries.end() && (!best || found->offset < *best)) best = found->offset;
  };
  consider(blocks_);
  consider(filemarks_);
  consider(sessions_);
  return best;
}

std::size_t TapeIndex::encoded_size() const {
  return kCountsBytes + blocks_.size() * kBlockBytes + filemarks_.size() * kFilemarkBytes +
         sessions_.size() * kSessionBytes;
}

Bytes TapeIndex::encode() const {
  ByteWriter out;
  out.u64(blocks_.size()).u64(filemarks_.size()).u64(sessions_.size());
  for (const Block& block : blocks_) out.u64(block.object).u64(block.offset).u32(block.file_number);
  for (const Filemark& mark : filemarks_) out.u64(mark.object).u64(mark.offset);
  for (const Session& session : sessions_) out.u32(session.id).u64(session.offset);
  return out.take();
}

Result<TapeIndex> TapeIndex::decode(ByteView payload, std::uint64_t end) {
  ByteReader in(payload);
  const std::uint64_t blocks = TRY(in.u64("number of blocks"));
  const std::uint64_t filemarks = TRY(in.u64("number of filemarks"));
  const std::uint64_t sessions = TRY(in.u64("number of sessions"));
  if (blocks > kMaxIndexBytes || filemarks > kMaxIndexBytes || sessions > kMaxSessions ||
      in.remaining() != blocks * kBlockBytes + filemarks * kFilemarkBytes + sessions * kSessionBytes) {
    return bad_index("has counts that do not fit its length");
  }
  const auto in_place = [end](std::uint64_t offset) { return offset >= kDataStart && offset < end; };
  TapeIndex out;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const Block block{TRY(in.u64("object")), TRY(in.u64("offset")), TRY(in.u32("file number"))};
    if (!in_place(block.offset) || !ascends(out.blocks_, block)) return bad_index("has a block out of place");
    out.blocks_.push_back(block);
  }
  for (std::uint64_t i = 0; i < filemarks; ++i) {
    const Filemark mark{TRY(in.u64("object")), TRY(in.u64("offset"))};
    if (!in_place(mark.offset) || !ascends(out.filemarks_, mark))
      return bad_index("has a filemark out of place");
    out.filemarks_.push_back(mark);
  }
  for (std::uint64_t i = 0; i < sessions; ++i) {
    const Session session{TRY(in.u32("session")), TRY(in.u64("offset"))};
    if (!in_place(session.offset) || !ascends(out.sessions_, session))
      return bad_index("has a session out of place");
    out.sessions_.push_back(session);
  }
  return out;
}

}  // namespace tapewarden::tape
