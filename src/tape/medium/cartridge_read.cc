#include <algorithm>
#include <set>

#include "base/assert.h"
#include "tape/medium/cartridge_state.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape {

namespace {

BlockKind kind_of(const RecordHeader& header) {
  return header.type == RecordType::kFilemark ? BlockKind::kFilemark : BlockKind::kData;
}

Position position_of(std::uint8_t partition, const ChainState& state) {
  return {partition, state.object, state.file};
}

// The record whose session does not open, or whose bytes do not check, named.
std::unexpected<Error> named(const RecordHeader& header, std::uint64_t offset, Error error) {
  return in_context(name_of(header, offset), std::move(error));
}

}  // namespace

Status Cartridge::State::settle() {
  if (failure) return std::unexpected(*failure);
  return pending == 0 ? Status{} : flush();
}

void Cartridge::State::move_to(const ChainState& state) {
  drop_ready();
  pos = state;
  peeked.reset();
}

Result<const RecordHeader*> Cartridge::State::peek() {
  TRY(settle());
  while (!peeked) {
    if (at_end()) {
      if (damage) return std::unexpected(*damage);
      return nullptr;
    }
    const RecordHeader header = TRY(stream.header_at(pos.offset, end.offset));
    TRY(check_numbers(header, pos));
    if (header.is_object()) {
      peeked = header;
    } else {
      TRY(stream.skip(pos, header));  // a damaged mark costs nothing: the next object's links tell of changes
    }
  }
  return &*peeked;
}

bool Cartridge::State::inside_file(std::uint64_t object) const {
  const auto& marks = index.filemarks();
  const std::uint64_t before = index.filemarks_before(object);
  return object > (before == 0 ? 0 : marks.at(before - 1).object + 1);
}

bool Cartridge::State::ends_before_next_object(ChainState at) {
  while (at.offset < end.offset) {
    const auto header = stream.header_at(at.offset, end.offset);
    if (!header || header->is_object()) return false;
    if (stream.ended_behind(*header, false)) return true;
    if (!stream.skip(at, *header)) return false;
  }
  return false;
}

bool Cartridge::State::ended_since_object(std::uint64_t offset) {
  while (offset >= kDataStart) {
    const auto header = stream.header_at(offset, end.offset);
    if (!header) return true;  // nothing is claimed of what cannot be read
    if (header->is_object()) return false;
    if (stream.ended_behind(*header, false)) return true;
    if (header->previous_offset >= offset) return true;
    offset = header->previous_offset;
  }
  return true;
}

bool Cartridge::State::ended_at(const ChainState& at) {
  return ended_since_object(at.previous_offset) || ends_before_next_object(at);
}

bool Cartridge::State::says_cut_off(const SessionEntry& session) {
  const std::uint64_t start = session.info.start_object;
  // At a file's beginning there is nothing that could have been cut off.
  if (!inside_file(start)) return false;
  if (session.info.behind_cut_off || session.info.ends_considered) return session.info.behind_cut_off;
  const auto& marks = index.filemarks();
  const std::uint64_t number = index.filemarks_before(start);
  if (number >= marks.size() || marks.at(number).object != start) return false;
  const auto mark = stream.header_at(marks.at(number).offset, end.offset);
  const auto owner = mark ? stream.session(mark->session_id) : Result<const SessionEntry*>(nullptr);
  return owner && *owner == &session && !ended_since_object(session.offset);
}

bool Cartridge::State::cut_off_before(std::uint64_t object) {
  return std::ranges::any_of(stream.sessions(), [this, object](const auto& item) {
    return item.second.info.start_object == object && says_cut_off(item.second);
  });
}

std::vector<std::uint64_t> Cartridge::cut_off_files() const {
  State& s = *state_;
  std::set<std::uint64_t> files;
  for (const auto& [id, session] : s.stream.sessions()) {
    if (s.says_cut_off(session)) files.insert(session.info.start_file);
  }
  if (s.cut_off_here) files.insert(s.end.file);
  return {files.begin(), files.end()};
}

Position Cartridge::position() const {
  return position_of(state_->partition(), state_->pos);
}
Position Cartridge::end_of_data() const {
  return position_of(state_->partition(), state_->end);
}
bool Cartridge::at_beginning() const {
  return state_->pos.object == 0;
}
bool Cartridge::at_end_of_data() const {
  return state_->at_end();
}

void Cartridge::set_read_key(DataKeyHandle key) {
  state_->drop_ready();
  if (other_) other_->opener.set_key(key, other_->stream.volume(), other_->partition());
  state_->opener.set_key(std::move(key), state_->stream.volume(), state_->partition());
}

Result<NextBlock> Cartridge::next_block() {
  NextBlock out;
  const RecordHeader* header = TRY(state_->peek());
  out.position = position();
  if (header == nullptr) return out;
  out.kind = kind_of(*header);
  out.host_length = header->host_length;
  out.compressed = header->compressed;
  if (!header->encrypted) return out;
  const auto session = state_->stream.session(header->session_id);
  if (!session) return named(*header, state_->pos.offset, session.error());
  const SessionInfo& info = (*session)->info;
  out.encryption = state_->opener.can_open(info) ? BlockEncryption::kReadable : BlockEncryption::kKeyMissing;
  out.akad = info.akad;
  out.ukad = info.ukad;
  out.raw_read_blocked = info.raw_read_blocked;
  out.kad_format = info.kad_format;
  out.check_value = info.check_value;
  return out;
}

Result<RecordView> Cartridge::read_record(MutableByteView into) {
  State& s = *state_;
  if (s.ready && !s.failure) return s.take_ready(into);
  const RecordHeader* found = TRY(s.peek());
  if (found == nullptr) return RecordView{};
  const RecordHeader header = *found;
  const ChainState here = s.pos;
  const Status opened = s.open_record(header, into);
  if (!opened && opened.error().code == ErrorCode::kWrongKey)
    return named(header, here.offset, opened.error());
  ChainState behind = here;
  TRY(s.stream.skip(behind, header));
  s.move_to(behind);
  if (!opened) return named(header, here.offset, opened.error());
  s.count_read(header);
  return RecordView{kind_of(header), into.first(header.host_length), header.encrypted};
}

void Cartridge::State::count_read(const RecordHeader& header) {
  stats.records_read += header.type == RecordType::kData ? 1 : 0;
  stats.host_bytes_read += header.host_length;
  stats.stored_bytes_read += header.total_bytes();
}

Status Cartridge::State::open_record(const RecordHeader& header, MutableByteView& into) {
  TRY(check_links(header, pos));
  TRY(stream.check_session(header));
  const SessionEntry& session = *TRY(stream.session(header.session_id));
  if (into.size() < header.host_length) {
    if (read_buffer.size() < header.host_length) read_buffer.resize(header.host_length);
    into = read_buffer;
  }
  // A filemark tells nothing that needs a key; its tag is checked when the key is there.
  if (header.type == RecordType::kFilemark && !opener.can_open(session.info)) return {};
  return opener.open(header, TRY(stream.body_at(header, pos.offset)), session, pos.link, into);
}

Status Cartridge::State::seek(std::uint64_t object) {
  TRY(settle());
  TW_ASSERT(object <= end.object);
  if (object == end.object) {
    move_to(end);
    return {};
  }
  ChainState state = ChainState::beginning();
  const auto known = index.nearest(object);
  if (pos.object <= object && (!known || pos.object >= known->object)) {
    state = pos;
  } else if (known && object != 0) {
    state = TRY(stream.state_before(*known, end.offset));
  }
  while (state.object < object) {
    const RecordHeader header = TRY(stream.header_at(state.offset, end.offset));
    TRY(stream.skip(state, header));
  }
  move_to(state);
  return {};
}

Status Cartridge::rewind() {
  return state_->seek(0);
}

Status Cartridge::to_end_of_data() {
  return state_->seek(state_->end.object);
}

Status Cartridge::locate(std::uint64_t logical_object) {
  const std::uint64_t last = state_->end.object;
  TRY(state_->seek(std::min(logical_object, last)));
  if (logical_object <= last) return {};
  if (state_->damage) return std::unexpected(*state_->damage);
  return fail(ErrorCode::kNotFound,
              "object " + std::to_string(logical_object) + " lies beyond the end of data", "logical_object");
}

Status Cartridge::locate_file(std::uint64_t file_number) {
  if (file_number == 0) return rewind();
  const auto& filemarks = state_->index.filemarks();
  if (file_number > filemarks.size()) {
    TRY(to_end_of_data());
    return fail(ErrorCode::kNotFound, "file " + std::to_string(file_number) + " lies beyond the end of data",
                "file_number");
  }
  return state_->seek(filemarks.at(file_number - 1).object + 1);
}

namespace {

// |count| without the overflow of the smallest number.
std::uint64_t magnitude(std::int64_t count) {
  return count < 0 ? ~static_cast<std::uint64_t>(count) + 1 : static_cast<std::uint64_t>(count);
}

struct Target {
  std::uint64_t object = 0;
  Motion motion;
};

Target records_forward(const TapeIndex& index, std::uint64_t from, std::uint64_t end, std::uint64_t count) {
  const auto& marks = index.filemarks();
  const std::uint64_t number = index.filemarks_before(from);
  const std::uint64_t wall = number < marks.size() ? marks.at(number).object : end;
  if (count <= wall - from) return {from + count, {Motion::Stop::kDone, count}};
  if (number < marks.size()) return {wall + 1, {Motion::Stop::kFilemark, wall - from}};
  return {end, {Motion::Stop::kEndOfData, end - from}};
}

Target records_back(const TapeIndex& index, std::uint64_t from, std::uint64_t count) {
  const std::uint64_t number = index.filemarks_before(from);
  const std::uint64_t wall = number > 0 ? index.filemarks().at(number - 1).object + 1 : 0;
  if (count <= from - wall) return {from - count, {Motion::Stop::kDone, count}};
  if (number > 0) return {wall - 1, {Motion::Stop::kFilemark, from - wall}};
  return {0, {Motion::Stop::kBeginningOfTape, from}};
}

}  // namespace

Result<Motion> Cartridge::space_records(std::int64_t count) {
  State& s = *state_;
  const Target target = count >= 0 ? records_forward(s.index, s.pos.object, s.end.object, magnitude(count))
                                   : records_back(s.index, s.pos.object, magnitude(count));
  TRY(s.seek(target.object));
  return target.motion;
}

Result<Motion> Cartridge::space_filemarks(std::int64_t count) {
  State& s = *state_;
  const auto& marks = s.index.filemarks();
  const std::uint64_t passed = s.index.filemarks_before(s.pos.object);
  const std::uint64_t wanted = magnitude(count);
  if (count == 0) return Motion{};
  if (count > 0) {
    const std::uint64_t left = marks.size() - passed;
    const bool enough = wanted <= left;
    TRY(s.seek(enough ? marks.at(passed + wanted - 1).object + 1 : s.end.object));
    return Motion{enough ? Motion::Stop::kDone : Motion::Stop::kEndOfData, enough ? wanted : left};
  }
  const bool enough = wanted <= passed;
  TRY(s.seek(enough ? marks.at(passed - wanted).object : 0));
  return Motion{enough ? Motion::Stop::kDone : Motion::Stop::kBeginningOfTape, enough ? wanted : passed};
}

Result<Motion> Cartridge::space_sequential_filemarks(std::int64_t count) {
  State& s = *state_;
  const auto& marks = s.index.filemarks();
  const std::uint64_t passed = s.index.filemarks_before(s.pos.object);
  const std::uint64_t wanted = magnitude(count);
  if (count == 0) return Motion{};
  const auto follow_each_other = [&](std::uint64_t first) {
    return marks.at(first + wanted - 1).object - marks.at(first).object == wanted - 1;
  };
  if (count > 0) {
    for (std::uint64_t first = passed; first < marks.size() && marks.size() - first >= wanted; ++first) {
      if (!follow_each_other(first)) continue;
      TRY(s.seek(marks.at(first + wanted - 1).object + 1));
      return Motion{Motion::Stop::kDone, wanted};
    }
    TRY(s.seek(s.end.object));
    return Motion{Motion::Stop::kEndOfData, 0};
  }
  for (std::uint64_t end = passed; end >= wanted; --end) {
    if (!follow_each_other(end - wanted)) continue;
    TRY(s.seek(marks.at(end - wanted).object));
    return Motion{Motion::Stop::kDone, wanted};
  }
  TRY(s.seek(0));
  return Motion{Motion::Stop::kBeginningOfTape, 0};
}

}  // namespace tapewarden::tape
