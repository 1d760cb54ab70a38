#include "tape/medium/inspect.h"

#include <algorithm>

#include "base/text.h"
#include "tape/medium/full_scan.h"
#include "tape/medium/header_areas.h"
#include "tape/medium/layout.h"
#include "tape/medium/partition_set.h"

namespace tapewarden::tape {

namespace {

void count_record(RecordCounts& counts, const RecordHeader& header) {
  switch (header.type) {
    case RecordType::kSession:
      ++counts.sessions;
      break;
    case RecordType::kData:
      ++counts.data;
      break;
    case RecordType::kFilemark:
      ++counts.filemarks;
      break;
    case RecordType::kEndOfData:
      ++counts.end_of_data;
      break;
    case RecordType::kSyncMark:
      ++counts.sync_marks;
      break;
    case RecordType::kIndex:
      ++counts.indexes;
      break;
  }
  counts.encrypted += header.encrypted ? 1 : 0;
  counts.compressed += header.compressed ? 1 : 0;
}

SessionSummary summary_of(std::uint32_t id, const SessionEntry& entry) {
  SessionSummary out;
  out.id = id;
  out.offset = entry.offset;
  out.start_object = entry.info.start_object;
  out.begun = entry.info.begun;
  out.encrypted = entry.info.encrypted();
  out.method = entry.info.method;
  out.compression_level = entry.info.compression_level;
  out.check_value = entry.info.check_value;
  out.akad = entry.info.akad;
  out.ukad = entry.info.ukad;
  return out;
}

void read_superblock_slots(const SuperblockPair& superblocks, Inspection& out) {
  for (std::size_t i = 0; i < 2; ++i) {
    SuperblockReport& report = out.superblocks.at(i);
    const auto& slot = superblocks.slot(i);
    report.readable = slot.has_value();
    report.current = i == superblocks.current_slot();
    if (slot) {
      report.block = *slot;
    } else {
      report.fault = slot.error().message;
    }
  }
  out.current = superblocks.current();
}

class Inspector {
 public:
  Inspector(RecordStream& stream, Inspection& out) : stream_(stream), out_(out) {}

  Status record(const RecordHeader& header, const ChainState& before) {
    count_record(out_.counts, header);
    if (before.offset >= out_.current.mark.length) out_.bytes_after_mark += header.total_bytes();
    out_.stored_bytes += header.total_bytes();
    if (header.type != RecordType::kData) return {};
    out_.host_bytes += header.host_length;
    SessionSummary& session = by_id_[header.session_id];
    ++session.data_records;
    session.host_bytes += header.host_length;
    session.stored_bytes += header.total_bytes();
    return {};
  }

  void fault(const Error& error, std::uint64_t offset) {
    if (error.code == ErrorCode::kUnsupported) {
      if (!out_.newer_format) out_.newer_format = error.message;
      return;
    }
    if (out_.damage) return;
    out_.damage = error.message;
    out_.damage_offset = offset;
  }

  void finish() {
    for (const auto& [id, entry] : stream_.sessions()) {
      SessionSummary session = summary_of(id, entry);
      const SessionSummary& counted = by_id_[id];
      session.data_records = counted.data_records;
      session.host_bytes = counted.host_bytes;
      session.stored_bytes = counted.stored_bytes;
      out_.sessions.push_back(std::move(session));
    }
  }

 private:
  RecordStream& stream_;
  Inspection& out_;
  std::map<std::uint32_t, SessionSummary> by_id_;
};

}  // namespace

namespace {

Result<Inspection> inspect_file(Env env, const std::string& path) {
  const auto file = TRY(env.disk->open(path, OpenMode::kRead));
  Inspection out;
  const SuperblockPair superblocks = TRY(SuperblockPair::load(*file));
  read_superblock_slots(superblocks, out);
  out.file_bytes = TRY(file->size());
  out.key_info = TRY(KeyArea::load(*file)).report();
  const MemoryArea memory = TRY(MemoryArea::load(*file));
  out.memory_slots = memory.slots();
  out.attributes = memory.attributes();

  RecordStream stream(*file, out.current.volume, out.current.partition);
  Inspector inspector(stream, out);
  ScanVisitor visitor;
  visitor.record = [&](const RecordHeader& header, const ChainState& before, bool) {
    return inspector.record(header, before);
  };
  visitor.fault = [&](const Error& error, std::uint64_t offset, std::uint64_t) {
    inspector.fault(error, offset);
  };
  const ScanEnd end =
      TRY(scan_records(stream, out.current, bytes_that_count(out.current, out.file_bytes), visitor));
  out.valid_bytes = end.end.offset;
  out.torn_bytes = end.torn_bytes;
  inspector.finish();
  return out;
}

}  // namespace

Result<Inspection> inspect(Env env, const std::string& path) {
  Inspection out = TRY(inspect_file(env, path));
  if (out.current.partitions != 2 || out.current.partition != 0) return out;
  const auto second = find_second(*env.disk, path, out.current);
  if (!second) {
    out.second_lost = second.error().message;
    return out;
  }
  out.second = std::make_shared<const Inspection>(TRY(inspect_file(env, *second)));
  return out;
}

std::vector<SessionSummary> Inspection::all_sessions() const {
  auto out = sessions;
  if (second) out.insert(out.end(), second->sessions.begin(), second->sessions.end());
  return out;
}

namespace {

class Lines {
 public:
  Lines& add(std::string_view name, std::string_view value) {
    ByteWriter label;
    label.padded(name, 22);
    text_ += std::string(as_text(label.view())) + std::string(value) + "\n";
    return *this;
  }
  Lines& add(std::string_view name, std::uint64_t value) { return add(name, std::to_string(value)); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_identity(Lines& lines, const Inspection& it) {
  const Superblock& block = it.current;
  lines.add("volser", escape_unprintable(block.volser)).add("volume", block.volume.text());
  const std::string density = to_hex(std::array<std::uint8_t, 1>{block.density});
  lines.add("medium",
            std::string(to_string(block.kind)) + ", density " + density + "h" + (block.worm ? ", WORM" : ""));
  lines.add("made", format_utc(block.created)).add("capacity", block.capacity_bytes);
  if (block.partitions != 1) {
    lines.add("partition", std::to_string(block.partition) + " of " + std::to_string(block.partitions) +
                               ", format " + block.format.text());
  }
  if (block.formatting) lines.add("formatting", "was cut off; the next opening for writing finishes it");
  lines.add("key management", to_string(block.management));
  for (std::size_t i = 0; i < 2; ++i) {
    const SuperblockReport& report = it.superblocks.at(i);
    lines.add("superblock " + std::to_string(i),
              report.readable ? "generation " + std::to_string(report.block.generation) +
                                    (report.current ? ", current" : "")
                              : report.fault);
  }
}

void add_keys(Lines& lines, const KeyInfoReport& keys) {
  lines.add("key method", to_string(keys.info.method));
  if (keys.info.check_value) lines.add("key check value", to_hex(*keys.info.check_value));
  for (const Bytes& eedk : keys.info.eedks) lines.add("EEDK", std::to_string(eedk.size()) + " bytes");
  if (!keys.info.akad.empty()) lines.add("A-KAD", to_hex(keys.info.akad));
  if (!keys.info.ukad.empty()) lines.add("U-KAD", to_hex(keys.info.ukad));
  for (std::size_t i = 0; i < kKeyCopies; ++i) {
    const KeyCopyHealth& copy = keys.copies.at(i);
    lines.add(i == 0 ? "key copy (memory)" : "key copy " + std::to_string(i), copy.text());
  }
  if (keys.all_lost) lines.add("keys", "no copy can be read: repair them from the key ledger");
}

void add_sessions(Lines& lines, const std::vector<SessionSummary>& sessions) {
  for (const SessionSummary& session : sessions) {
    std::string text = std::to_string(session.data_records) + " records, " +
                       std::to_string(session.host_bytes) + " bytes, " + format_utc(session.begun);
    text += session.encrypted ? ", sealed, key check value " + to_hex(session.check_value) : ", clear";
    if (!session.akad.empty()) text += ", A-KAD " + to_hex(session.akad);
    lines.add("session " + std::to_string(session.id), text);
  }
}

}  // namespace

std::string Inspection::to_text() const {
  Lines lines;
  add_identity(lines, *this);
  add_keys(lines, key_info);
  for (const auto& [id, value] : attributes) {
    const std::string name =
        "attribute " + to_hex(std::array{static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)}) +
        "h";
    const bool binary = value.format == AttributeFormat::kBinary;
    lines.add(name, binary ? to_hex(value.value) : escape_unprintable(trim(as_text(value.value))));
  }
  add_sessions(lines, sessions);
  lines.add("data records", counts.data).add("filemarks", counts.filemarks);
  lines.add("encrypted records", counts.encrypted).add("compressed records", counts.compressed);
  lines.add("host bytes", host_bytes).add("stored bytes", stored_bytes).add("file bytes", file_bytes);
  lines.add("sync mark", "offset " + std::to_string(current.mark.length) + ", object " +
                             std::to_string(current.mark.logical_object) + ", file " +
                             std::to_string(current.mark.file_number));
  lines.add("closed", current.closed ? "yes" : "no").add("bytes after the mark", bytes_after_mark);
  lines.add("torn tail", torn_bytes);
  if (damage) lines.add("DAMAGE", *damage);
  if (newer_format) lines.add("NEWER READER", *newer_format);
  if (!second_lost.empty()) lines.add("LOST", escape_unprintable(second_lost));
  return lines.take() + (second ? "\n" + second->to_text() : "");
}

}  // namespace tapewarden::tape
