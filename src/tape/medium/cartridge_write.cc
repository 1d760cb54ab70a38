#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/crc32c.h"
#include "crypto/hash.h"
#include "tape/medium/cartridge_state.h"
#include "tape/medium/layout.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {

namespace {

// Small records gather until a write is worth its call; a record of this size goes out at once, while it is
// hot.
constexpr std::size_t kFlushBytes = 256U << 10;
// Behind the nominal capacity there is room for marks, as on tape behind the end-of-medium.
constexpr std::uint64_t kFilemarkReserveBytes = 1U << 20;
constexpr std::uint64_t kMebibyte = 1U << 20;
// What does not compress goes on so, mostly: it was compressed or encrypted before. After so many records in
// a row that got no smaller each so many is tried.
constexpr unsigned kTriedInVain = 4;
constexpr unsigned kThenOneIn = 8;

}  // namespace

Status Cartridge::State::check_spec(const SessionSpec& candidate) const {
  if (candidate.akad.size() > kMaxKadBytes || candidate.ukad.size() > kMaxKadBytes) {
    return fail(ErrorCode::kInvalidArgument, "a key-associated datum is longer than 60 bytes", "kad");
  }
  if (candidate.compression_level.value_or(0) > kMaxCompressionLevel) {
    return fail(ErrorCode::kInvalidArgument, "the compression level is 0 to 3", "compression_level");
  }
  if (candidate.kad_format > 2)
    return fail(ErrorCode::kInvalidArgument, "the KAD format is 0 to 2", "kad_format");
  return check_key_info(candidate.key_info);
}

Status Cartridge::set_write_session(SessionSpec spec) {
  TRY(state_->require_writable());
  TRY(state_->check_spec(spec));
  state_->leave_session(Leaving::kEnded);
  state_->spec = std::move(spec);
  return {};
}

void Cartridge::forget_keys(Leaving how) {
  set_read_key({});
  state_->leave_session(how);
  state_->spec = {};
}

Status Cartridge::write_record(ByteView data) {
  State& s = *state_;
  if (data.empty() || data.size() > kMaxRecordBytes) {
    return fail(ErrorCode::kInvalidArgument, "a record has 1 byte to 16 MiB", "length");
  }
  TRY(s.require_writable());
  // Refused before anything after the position is dropped.
  TRY(s.check_room(0, 0));
  TRY(s.prepare_write());
  TRY(s.append(RecordType::kData, data));
  s.stats.records_written += 1;
  s.stats.host_bytes_written += data.size();
  return s.pending >= kFlushBytes ? s.flush() : Status{};
}

bool Cartridge::writes_on(std::uint64_t records, std::uint64_t bytes) const {
  const State& s = *state_;
  if (!s.require_writable() || !s.live || !s.at_end() || !s.change_counted) return false;
  const Superblock& block = s.superblocks.current();
  const std::uint64_t warning = block.capacity_bytes - block.early_warning_bytes;
  const std::uint64_t zone = std::min(s.programmable_early_warning, warning);
  const std::uint64_t most = bytes + records * (kHeaderBytes + kTagBytes);  // what does not get smaller
  const std::uint64_t used = s.end.offset - kDataStart;
  return used < warning - zone && most < warning - zone - used;
}

Status Cartridge::write_filemarks(std::uint32_t count, bool immediate) {
  State& s = *state_;
  TRY(s.require_writable());
  for (std::uint32_t i = 0; i < count; ++i) {
    TRY(s.prepare_write());
    TRY(s.append(RecordType::kFilemark, {}));
    if (s.pending >= kFlushBytes) TRY(s.flush());
  }
  return immediate ? Status{} : sync();
}

Status Cartridge::sync() {
  State& s = *state_;
  TRY(s.require_writable());
  TRY(s.settle());
  if (s.end.offset == s.mark().length) return {};
  if (s.live && s.last_type != RecordType::kFilemark) {
    TRY(s.append(RecordType::kSyncMark, {}));
    TRY(s.flush());
  }
  return s.commit_mark();
}

Status Cartridge::erase_from_here() {
  State& s = *state_;
  TRY(s.require_writable());
  TRY(s.settle());
  const bool overwriting = !s.at_end();
  if (!overwriting && s.pos.object != 0) return {};
  if (s.superblocks.current().worm && overwriting) {
    return fail(ErrorCode::kPermissionDenied, "a WORM cartridge cannot be erased", "worm", {},
                detail(MediumFault::kWormOverwrite));
  }
  TRY(s.count_change());
  if (overwriting) TRY(s.cut(s.pos, true));
  State& areas = s.first();
  const bool holds_keys = !areas.keys.report().info.empty() || areas.keys.report().all_lost;
  if (s.pos.object == 0 && s.alone() && holds_keys)
    TRY(areas.guard(areas.keys.write(*areas.file, KeyInfo{}, SlotsToWrite::kBoth)));
  return {};
}

Status Cartridge::unload() {
  if (state_->mode == CartridgeMode::kRead || state_->unloaded || lost_) return {};
  TRY(state_->require_writable());
  for (State* s : {state_.get(), other_.get()}) {
    if (s == nullptr) continue;
    TRY(s->settle());
    TRY(s->write_end());
  }
  TRY(first().count_unload(stats()));
  for (State* s : {state_.get(), other_.get()}) {
    if (s == nullptr) continue;
    s->live.reset();
    s->unloaded = true;
  }
  return {};
}

Status Cartridge::State::prepare_write() {
  if (live && at_end() && change_counted) return {};
  if (!at_end() && superblocks.current().worm) {
    return fail(ErrorCode::kPermissionDenied, "a WORM cartridge is written at the end of data only", "worm",
                {}, detail(MediumFault::kWormOverwrite));
  }
  TRY(count_change());
  return live && at_end() ? Status{} : begin_session();
}

Status Cartridge::State::begin_session() {
  TRY(settle());
  const bool overwriting = !at_end();
  const bool at_beginning = pos.object == 0;
  // Session records that a crash left without any record would say of the records to come what is not so.
  const bool leftovers = at_beginning && end.offset != ChainState::beginning().offset;
  live.reset();
  if (std::max(end.session_id, superblocks.current().next_session_id) ==
      std::numeric_limits<std::uint32_t>::max()) {
    return fail(ErrorCode::kExhausted, "the cartridge has no session number left", "session",
                "copy it to another cartridge");
  }
  if (overwriting || leftovers) TRY(cut(pos, ended_at(pos)));
  if (at_beginning) TRY(write_key_info_at_beginning(overwriting));
  if (physical_bytes > end.offset) {  // a torn tail
    TRY(guard(file->truncate(end.offset)));
    physical_bytes = end.offset;
    stream.cut(end.offset);
  }

  LiveSession session;
  SessionInfo info;
  env.random->fill(info.salt);
  info.volume = stream.volume();
  info.previous_link = end.link;
  info.previous_session = stream.sessions().empty() ? 0 : stream.sessions().rbegin()->second.offset;
  info.start_object = end.object;
  info.start_file = end.file;
  info.begun = env.clock->wall_now();
  info.method = spec.method;
  info.compression_level = spec.compression_level.value_or(superblocks.current().compression_level);
  info.raw_read_blocked = spec.raw_read_blocked;
  info.kad_format = spec.kad_format;
  info.behind_cut_off = cut_off_here;
  info.behind_end = !cut_off_here && superblocks.current().closed && end.offset == mark().length;
  info.akad = spec.akad;
  info.ukad = spec.ukad;
  session.id = std::max(end.session_id + 1, superblocks.current().next_session_id);
  session.salt = info.salt;
  session.compression_level = info.compression_level;
  if (spec.key) {
    info.algorithm = kAlgorithmAesGcm;
    info.check_value = spec.key->check_value(info.volume);
    const crypto::SecretBytes key = spec.key->session_key(info.salt, info.volume, partition());
    if (observer) session.key_fingerprint = crypto::sha256(key.reveal());
    session.cipher.emplace(key);
  }
  live.emplace(std::move(session));
  const std::uint64_t at = end.offset;
  if (auto written = append(RecordType::kSession, encode_session(info)); !written) return guard(written);
  TRY(flush());
  TRY(guard(file->sync()));  // invariant 2
  stream.add_session(live->id, {std::move(info), at, end.link});
  cut_off_here = false;
  ++stats.sessions_begun;
  return {};
}

Status Cartridge::State::write_key_info_at_beginning(bool overwriting) {
  if (!alone()) return {};  // what is there belongs to the records of the other partition too
  State& areas = first();
  const KeyInfoReport& report = areas.keys.report();
  const bool nothing_there = report.generation == 0 && !report.all_lost;
  const bool empty_as_wanted = spec.key_info.empty() && report.info.empty() && !report.all_lost;
  // What an earlier writing left there, also one that a crash cut off before its first record, would say of
  // the records to come that they are encrypted otherwise than they are.
  if (empty_as_wanted && (nothing_there || !overwriting)) return {};
  const auto slots = nothing_there ? SlotsToWrite::kOlder : SlotsToWrite::kBoth;
  return areas.guard(areas.keys.write(*areas.file, spec.key_info, slots));
}

Status Cartridge::State::cut(const ChainState& at, bool ended) {
  live.reset();
  left.reset();
  // Who cuts the tape within a file means to; but what a crash had cut off just there stays so.
  cut_off_here = cut_off_before(at.object);
  // At the beginning the session records before the first object go too.
  const ChainState target = at.object == 0 ? ChainState::beginning() : at;
  // The end is said together with the mark: a crash finds neither without the other.
  const bool closes = ended && !cut_off_here && at.object != 0;
  if (closes && target.offset > mark().length) TRY(guard(file->sync()));
  if (closes || target.offset < mark().length) {
    Superblock block = superblocks.current();
    block.mark = target.mark();
    block.closed = closes;
    block.next_session_id = std::max(block.next_session_id, end.session_id + 1);
    if (block.index_offset >= target.offset) block.index_offset = 0;
    // In both: with one slot damaged the other must not speak of records that are gone.
    TRY(write_superblock(block));
    TRY(write_superblock(block));
  }
  TRY(guard(file->truncate(target.offset)));
  TRY(guard(file->sync()));
  file_bytes = physical_bytes = target.offset;
  index.cut(target.offset);
  stream.cut(target.offset);
  opener.forget_sessions();
  end = target;
  last_type.reset();
  move_to(end);
  return {};
}

Status Cartridge::State::check_room(std::uint64_t record_bytes, std::uint64_t reserve) const {
  const std::uint64_t used = (at_end() ? end.offset : pos.offset) - kDataStart;
  const std::uint64_t limit = superblocks.current().capacity_bytes + reserve;
  if (used < limit && record_bytes <= limit - used) return {};
  return fail(ErrorCode::kExhausted, "the cartridge is full", "capacity", "load another cartridge",
              detail(MediumFault::kEndOfMedium));
}

bool Cartridge::State::broken_within_file() const {
  const auto session = stream.session(live->id);
  return session && (*session)->info.start_object < end.object && inside_file(end.object);
}

void Cartridge::State::leave_session(Leaving how) {
  if (live && how == Leaving::kBroken && broken_within_file()) {
    cut_off_here = true;  // no end is sealed: it would vouch for what nobody ended
  } else if (live) {
    LeftSession end_of_it;
    end_of_it.header = next_header(RecordType::kEndOfData, 0, 0);
    end_of_it.end_record.resize(static_cast<std::size_t>(end_of_it.header.total_bytes()));
    end_of_it.link = seal(end_of_it.header, {}, end_of_it.end_record);
    live->cipher.reset();
    end_of_it.session = *std::move(live);
    left = std::move(end_of_it);
  }
  live.reset();
}

Status Cartridge::State::append(RecordType type, ByteView plain) {
  TW_ASSERT(live.has_value());
  left.reset();
  ByteView stored = plain;
  bool compressed = false;
  if (type == RecordType::kData && live->compression_level > 0) {
    const unsigned since = live->since_smaller++;
    if (since < kTriedInVain || since % kThenOneIn == 0)
      if (const ByteView packed = compressor.compress(plain, live->compression_level); !packed.empty()) {
        compressed = true;
        stored = packed;
        live->since_smaller = 0;
      }
  }
  RecordHeader header = next_header(type, plain.size(), stored.size());
  header.compressed = compressed;
  const auto total = static_cast<std::size_t>(header.total_bytes());
  if (header.is_object()) TRY(check_room(total, type == RecordType::kFilemark ? kFilemarkReserveBytes : 0));
  if (buffer.size() < pending + total) buffer.resize(pending + total);
  const Link link = seal(header, stored, MutableByteView(buffer).subspan(pending, total));
  take_in(header, link);
  return {};
}

RecordHeader Cartridge::State::next_header(RecordType type, std::size_t host_bytes,
                                           std::size_t stored_bytes) const {
  RecordHeader header;
  header.partition = partition();
  header.type = type;
  header.encrypted = live->cipher && type != RecordType::kSession && type != RecordType::kIndex;
  header.host_length = static_cast<std::uint32_t>(host_bytes);
  header.stored_length = static_cast<std::uint32_t>(stored_bytes);
  header.logical_object = end.object;
  header.file_number = end.file;
  header.session_id = live->id;
  header.counter = live->next_counter;
  header.previous_offset = end.previous_offset;
  header.previous_link = head_of(end.link);
  return header;
}

// Puts the record of the live session together; its counter is used up.
Link Cartridge::State::seal(RecordHeader& header, ByteView stored, MutableByteView record) {
  const MutableByteView body = record.subspan(kHeaderBytes);
  if (header.encrypted) {
    const crypto::GcmIv iv = crypto::counter_iv(header.counter);
    const AssociatedData associated = associated_data(header, live->salt, end.link);
    const crypto::GcmTag tag = live->cipher->seal(iv, associated, stored, body.first(stored.size()));
    copy_bytes(body.last(kTagBytes), tag);
    if (observer) observer(live->key_fingerprint, iv);
  } else {
    copy_bytes(body, stored);
  }
  ++live->next_counter;
  header.payload_crc = crc32c(body);
  copy_bytes(record, encode_header(header));
  return link_of(header, body, header.encrypted ? ByteView(body.last(kTagBytes)) : ByteView());
}

// The record that lies behind `pending` in the buffer is the last one now.
void Cartridge::State::take_in(const RecordHeader& header, const Link& link) {
  const std::uint64_t at = end.offset;
  const bool follows = at_end();
  end = after(header, end, link);
  if (follows) move_to(end);
  index.note(header, at);
  last_type = header.type;
  pending += static_cast<std::size_t>(header.total_bytes());
  stats.stored_bytes_written += header.total_bytes();
}

Status Cartridge::State::flush() {
  if (pending == 0) return {};
  TRY(guard(file->write_at(file_bytes, ByteView(buffer).first(pending))));
  file_bytes += pending;
  physical_bytes = std::max(physical_bytes, file_bytes);
  pending = 0;
  return {};
}

Status Cartridge::State::commit_mark() {
  TRY(guard(file->sync()));
  Superblock block = superblocks.current();
  block.mark = end.mark();
  block.closed = last_type && ends_data(*last_type);
  if (last_type == RecordType::kIndex) block.index_offset = end.previous_offset;
  block.next_session_id = std::max(block.next_session_id, end.session_id + 1);
  TRY(write_superblock(std::move(block)));
  ++stats.sync_marks;
  return {};
}

// The end of the last session, also when its key is gone by now.
Status Cartridge::State::append_end() {
  if (live) return append(RecordType::kEndOfData, {});
  LeftSession ended = *std::exchange(left, std::nullopt);
  if (buffer.size() < pending + ended.end_record.size()) buffer.resize(pending + ended.end_record.size());
  copy_bytes(MutableByteView(buffer).subspan(pending), ended.end_record);
  live = std::move(ended.session);  // the index needs no key
  take_in(ended.header, ended.link);
  return {};
}

Status Cartridge::State::write_end() {
  if (live || left) {
    TRY(append_end());
    if (index.encoded_size() <= kMaxIndexBytes) TRY(append(RecordType::kIndex, index.encode()));
    TRY(flush());
  }
  if (end.offset == mark().length) return {};
  TRY(commit_mark());
  return write_superblock(superblocks.current());  // into the other slot too
}

Status Cartridge::State::count_unload(const CartridgeStats& total) {
  if (total.records_written == 0 && total.records_read == 0) return {};
  AttributeMap next = memory.attributes();
  const auto count = [&next](AttributeId life, AttributeId load, std::uint64_t bytes) {
    const std::uint64_t megabytes = (bytes + kMebibyte - 1) / kMebibyte;
    next[life] = number_attribute(attribute_number(next, life) + megabytes, 8);
    next[load] = number_attribute(megabytes, 8);
  };
  count(attribute::kMegabytesWrittenInLife, attribute::kMegabytesWrittenInLoad, total.stored_bytes_written);
  count(attribute::kMegabytesReadInLife, attribute::kMegabytesReadInLoad, total.stored_bytes_read);
  if (!memory_bytes_left(next)) return {};  // the host's attributes fill it: they go before counters
  return guard(memory.write(*file, std::move(next)));
}

}  // namespace tapewarden::tape
