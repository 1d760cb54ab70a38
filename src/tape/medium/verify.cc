#include <algorithm>
#include <deque>

#include "base/text.h"
#include "tape/medium/full_scan.h"
#include "tape/medium/header_areas.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/limits.h"
#include "tape/medium/partition_set.h"
#include "tape/medium/record_opener.h"

namespace tapewarden::tape {

namespace {

FaultKind kind_of(const Error& error) {
  if (error.code == ErrorCode::kWrongKey) return FaultKind::kWrongKey;
  if (error.code == ErrorCode::kUnsupported) return FaultKind::kNewerFormat;
  switch (static_cast<MediumFault>(error.detail)) {
    case MediumFault::kTagMismatch:
    case MediumFault::kChainBroken:
      return FaultKind::kTampering;
    case MediumFault::kTruncated:
      return FaultKind::kTruncated;
    default:
      return FaultKind::kDamage;
  }
}

class Verifier {
 public:
  Verifier(RecordStream& stream, const VerifyOptions& options, std::uint64_t total)
      : stream_(stream), options_(options), total_(total) {
    for (const DataKeyHandle& key : options.keys) {
      openers_.emplace_back();
      openers_.back().set_key(key, stream.volume(), stream.partition());
    }
  }

  Status record(const RecordHeader& header, const ChainState& before, bool linked) {
    TRY(report_progress(before.offset));
    ++out.records;
    out.bytes += header.total_bytes();
    note_ends(header);
    const Status whole = stream_.check_payload(header, before.offset);
    if (!whole) {
      if (whole.error().code == ErrorCode::kIo) return whole;
      fault(whole.error(), before.offset, header.logical_object);
      return {};
    }
    return header.encrypted ? check_tag(header, before, linked) : check_clear(header, before);
  }

  void fault(const Error& error, std::uint64_t offset, std::uint64_t object) {
    if (out.faults.size() < options_.max_faults)
      out.faults.push_back({kind_of(error), offset, object, error.message});
  }

  VerifyReport out;

  // Behind the last record.
  void finish(const ScanEnd& end) {
    out.torn_bytes = end.torn_bytes;
    out.closed = end.last_type && ends_data(*end.last_type);
    out.ended = end.ended;
    out.erased = end.erased;
    out.torn_harmless = end.torn_harmless;
    out.newer_format = end.newer;
    if (!inside_file_ || end.newer) return;
    if (out.ended) {
      out.last_file_without_filemark = files_;
    } else {
      cut_off(files_);
    }
  }

 private:
  // A session says when the tape file that it goes on behind was cut off; one at a file's beginning cannot.
  // Of one that cannot say, because it was written before that was looked at, a filemark that begins it
  // tells.
  void note_ends(const RecordHeader& header) {
    if (header.type == RecordType::kSession) {
      const auto session = stream_.session(header.session_id);
      if (session && (*session)->info.behind_cut_off && inside_file_) cut_off((*session)->info.start_file);
      unsaid_ = session && !(*session)->info.ends_considered;
    } else if (header.type == RecordType::kData) {
      inside_file_ = true;
      unsaid_ = end_since_object_ = false;
    } else if (header.type == RecordType::kFilemark) {
      if (inside_file_ && unsaid_ && !end_since_object_) cut_off(header.file_number);
      inside_file_ = unsaid_ = end_since_object_ = false;
      files_ = std::uint64_t{header.file_number} + 1;
    } else if (ends_data(header.type)) {
      end_since_object_ = true;
    }
  }

  void cut_off(std::uint64_t file) {
    auto& files = out.cut_off_files;
    if (files.empty() || files.back() != file) files.push_back(file);
  }

  Status report_progress(std::uint64_t offset) {
    constexpr std::uint64_t kStep = 16U << 20;
    if (!options_.progress || offset < next_progress_) return {};
    next_progress_ = offset + kStep;
    if (options_.progress(std::min(offset, total_), total_)) return {};
    return fail(ErrorCode::kConflict, "verification was stopped");
  }

  Status check_clear(const RecordHeader& header, const ChainState& before) {
    const auto session = stream_.session(header.session_id);
    if (header.type != RecordType::kData || !session) return {};
    return open_with(plain_, header, before, **session);
  }

  Status check_tag(const RecordHeader& header, const ChainState& before, bool linked) {
    const auto session = stream_.session(header.session_id);
    const auto fits = [&](const RecordOpener& opener) {
      return session && opener.can_open((*session)->info);
    };
    const auto opener = std::ranges::find_if(openers_, fits);
    if (opener != openers_.end() && linked) {
      ++out.tags_checked;
      return open_with(*opener, header, before, **session);
    }
    ++out.tags_unchecked;
    const bool told = !session && session.error().code == ErrorCode::kUnsupported;
    if (told || opener != openers_.end() || openers_.empty() || wrong_session_ == header.session_id)
      return {};
    wrong_session_ = header.session_id;  // said once for each session
    fault(fail(ErrorCode::kWrongKey, "session " + std::to_string(header.session_id) +
                                         " is sealed with another key than those given")
              .error(),
          before.offset, header.logical_object);
    return {};
  }

  Status open_with(RecordOpener& opener, const RecordHeader& header, const ChainState& before,
                   const SessionEntry& session) {
    if (buffer_.size() < header.host_length)
      buffer_.resize(std::max<std::size_t>(header.host_length, 1U << 20));
    const ByteView body = TRY(stream_.body_at(header, before.offset));
    const Status opened = opener.open(header, body, session, before.link, buffer_);
    if (!opened) fault(opened.error(), before.offset, header.logical_object);
    return {};
  }

  RecordStream& stream_;
  const VerifyOptions& options_;
  std::uint64_t total_;
  std::uint64_t next_progress_ = 0;
  std::deque<RecordOpener> openers_;
  RecordOpener plain_;
  std::uint32_t wrong_session_ = 0;
  bool inside_file_ = false;  // blocks without a filemark behind them
  bool unsaid_ = false;       // no object since a session that does not say whether the file was cut off
  bool end_since_object_ = false;
  std::uint64_t files_ = 0;  // filemarks so far
  Bytes buffer_;
};

Status check_areas(File& file, const SuperblockPair& superblocks, Verifier& verifier) {
  const auto damaged = [&](std::string text, std::uint64_t offset) {
    verifier.fault(fail(ErrorCode::kCorrupt, std::move(text)).error(), offset, 0);
  };
  for (std::size_t i = 0; i < 2; ++i) {
    if (!superblocks.slot(i))
      damaged("superblock " + std::to_string(i) + " is damaged", kSuperblockOffsets.at(i));
  }
  const MemoryArea memory = TRY(MemoryArea::load(file));
  const KeyArea keys = TRY(KeyArea::load(file));
  for (std::size_t i = 0; i < 2; ++i) {
    if (memory.slots().at(i) == SlotHealth::kDamaged)
      damaged("a slot of the cartridge memory is damaged", kMemoryOffsets.at(i));
    for (std::size_t copy = 0; copy < kKeyCopies; ++copy) {
      if (keys.report().copies.at(copy).slots.at(i) == SlotHealth::kDamaged) {
        damaged("a slot of key copy " + std::to_string(copy) + " is damaged", key_slot_offset(copy, i));
      }
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(FaultKind kind) {
  switch (kind) {
    case FaultKind::kDamage:
      return "damage";
    case FaultKind::kTampering:
      return "tampering";
    case FaultKind::kWrongKey:
      return "wrong key";
    case FaultKind::kTruncated:
      return "truncated";
    case FaultKind::kNewerFormat:
      return "newer format";
  }
  return "unknown";
}

namespace {

Result<VerifyReport> verify_file(Env env, const std::string& path, const VerifyOptions& options,
                                 Superblock& block) {
  const auto file = TRY(env.disk->open(path, OpenMode::kRead));
  const SuperblockPair superblocks = TRY(SuperblockPair::load(*file));
  block = superblocks.current();
  const std::uint64_t total = bytes_that_count(block, TRY(file->size()));
  RecordStream stream(*file, block.volume, block.partition);
  Verifier verifier(stream, options, total);
  TRY(check_areas(*file, superblocks, verifier));
  ScanVisitor visitor;
  visitor.record = [&](const RecordHeader& header, const ChainState& before, bool linked) {
    return verifier.record(header, before, linked);
  };
  visitor.fault = [&](const Error& error, std::uint64_t offset, std::uint64_t object) {
    verifier.fault(error, offset, object);
  };
  const ScanEnd end = TRY(scan_records(stream, superblocks.current(), total, visitor));
  verifier.finish(end);
  if (options.progress) options.progress(total, total);
  return std::move(verifier.out);
}

}  // namespace

Result<VerifyReport> verify(Env env, const std::string& path, const VerifyOptions& options) {
  Superblock block;
  VerifyReport out = TRY(verify_file(env, path, options, block));
  if (block.partitions != 2 || block.partition != 0) return out;
  Superblock of_second;
  const auto second = find_second(*env.disk, path, block);
  if (second) {
    out.second = std::make_shared<const VerifyReport>(TRY(verify_file(env, *second, options, of_second)));
  } else {
    out.faults.push_back({FaultKind::kDamage, 0, 0, second.error().message});
  }
  return out;
}

bool VerifyReport::needs_newer_reader() const {
  const auto newer = [](const VerifyReport& report) {
    return std::ranges::all_of(report.faults,
                               [](const auto& fault) { return fault.kind == FaultKind::kNewerFormat; });
  };
  const bool faulty = !faults.empty() || (second && !second->faults.empty());
  return faulty && newer(*this) && (!second || newer(*second));
}

std::string VerifyReport::to_text() const {
  std::string text = std::to_string(records) + " records, " + std::to_string(bytes) + " bytes, " +
                     std::to_string(tags_checked) + " tags checked, " + std::to_string(tags_unchecked) +
                     " tags not checked for want of the key\n";
  if (newer_format) {
    text += "what a later version of the program wrote cannot be judged here: it needs a newer reader\n";
  } else if (closed) {
    text += "ends with an end-of-data record\n";
  } else if (erased) {
    text += "ends where it was erased\n";
  } else {
    text += ended ? "ends with a session that came to no block, behind an end\n"
                  : "was not unloaded: no end-of-data record\n";
  }
  if (torn_bytes != 0) text += std::to_string(torn_bytes) + " bytes of torn tail after the last record\n";
  if (torn_harmless) text += "they lie behind the end of data, where no block was\n";
  for (const std::uint64_t file : cut_off_files)
    text += "interrupted write: tape file " + std::to_string(file) + " was cut off before its end\n";
  const bool torn = torn_bytes != 0 && !torn_harmless;
  if (torn && cut_off_files.empty()) text += "interrupted write: nothing of it can be read\n";
  for (const VerifyFault& fault : faults) {
    text += std::string(to_string(fault.kind)) + " at offset " + std::to_string(fault.offset) + ", object " +
            std::to_string(fault.logical_object) + ": " + fault.message + "\n";
  }
  if (last_file_without_filemark) {
    text += "the last tape file, " + std::to_string(*last_file_without_filemark) +
            ", has no filemark: " + (erased ? "it was erased from there on" : "an unload ended it") +
            "; whether its writer had come to its end is not known\n";
  }
  if (second) text += "partition 1: " + second->to_text();
  if (good() && !second) text += "good\n";
  return text;
}

}  // namespace tapewarden::tape
