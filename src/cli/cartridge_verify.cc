// Checking every tag of a cartridge with the key from the key servers, through a virtual drive.
#include "base/counted.h"
#include "base/text.h"
#include "cli/cartridge_actions.h"
#include "cli/drive_bench.h"
#include "cli/exit_code.h"
#include "cli/report.h"
#include "scsi/sense_codes.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
using tape::TapeFault;

constexpr std::size_t kReadLimit = (1U << 24) - 1;  // what the length field of READ(6) holds
constexpr std::size_t kMaximumFaults = 16;
constexpr std::uint64_t kProgressStep = 64U << 20;  // bytes between two lines of progress

struct Checked {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t filemarks = 0;
  std::uint64_t keys = 0;  // exchanges with the key servers
  std::vector<std::string> faults;
  std::size_t newer = 0;                     // of them: not damage, but what a later version wrote
  bool open_end = false;                     // the last tape file has blocks and no filemark
  std::vector<std::uint64_t> cut_off_files;  // interrupted writes
  bool good() const { return faults.empty() && cut_off_files.empty(); }
};

bool wants_key(TapeFault fault) {
  return fault == TapeFault::kKeyGenerationNeeded || fault == TapeFault::kKeyTranslationNeeded ||
         fault == TapeFault::kNoKey;
}

// After a bad record the drive stands behind it, when its header was good. False: it cannot go on.
Result<bool> note_fault(DriveBench& bench, const Error& error, std::uint64_t before, Checked& checked) {
  checked.faults.push_back("object " + std::to_string(before) + ": " + error.message);
  if (error.detail == scsi::sense_codes::kIncompatibleFormat.packed()) ++checked.newer;
  const auto now = bench.tape().position();
  if (!now) return std::unexpected(now.error().error());
  return now->logical_object != before && checked.faults.size() < kMaximumFaults;
}

// From the position to the end of data of its partition.
Status check_partition(Context& context, DriveBench& bench, Checked& checked) {
  tape::TapeDrive& drive = bench.tape();
  std::uint64_t next_progress = checked.bytes + kProgressStep;
  while (true) {
    const auto position = drive.position();
    if (!position) return std::unexpected(position.error().error());
    auto read = drive.read_block(kReadLimit);
    if (!read && wants_key(read.error().fault)) {
      (void)TRY(bench.bring_key(keyproxy::HostIntent::kRead, {}));
      ++checked.keys;
      read = drive.read_block(kReadLimit);
    }
    if (!read) {
      if (!TRY(note_fault(bench, read.error().error(), position->logical_object, checked))) return {};
      continue;
    }
    if (read->kind == tape::ReadOutcome::Kind::kEndOfData) return {};
    if (read->kind != tape::ReadOutcome::Kind::kBlock) {
      ++checked.filemarks;
      checked.open_end = false;
      continue;
    }
    ++checked.blocks;
    checked.open_end = true;
    checked.bytes += read->data.size();
    if (context.progress && checked.bytes >= next_progress) {
      next_progress = checked.bytes + kProgressStep;
      context.progress(checked.bytes, 0);
    }
  }
}

Result<Checked> check_tape(Context& context, DriveBench& bench) {
  Checked checked;
  const tape::Cartridge& cartridge = *bench.device().cartridge();
  for (std::uint8_t partition = 0; partition < cartridge.partitions(); ++partition) {
    if (partition != 0 && cartridge.lost_partition()) {
      checked.faults.push_back(cartridge.lost_partition()->message);
      continue;
    }
    if (const auto there = bench.tape().locate_in(partition, 0); !there)
      return std::unexpected(there.error().error());
    TRY(check_partition(context, bench, checked));
    for (const auto file : cartridge.cut_off_files()) checked.cut_off_files.push_back(file);
  }
  return checked;
}

std::string text_of(const Checked& checked) {
  std::string text = "read with the key: " + counted(checked.blocks, "block") + ", " +
                     counted(checked.bytes, "byte") + ", " + counted(checked.filemarks, "filemark") + "\n";
  for (const auto& fault : checked.faults) text += "fault: " + escape_unprintable(fault) + "\n";
  for (const std::uint64_t file : checked.cut_off_files)
    text += "interrupted write: tape file " + std::to_string(file) + " was cut off before its end\n";
  if (checked.open_end && checked.cut_off_files.empty())
    text += "the last tape file, " + std::to_string(checked.filemarks) +
            ", has no filemark: whether its writer had come to its end is not known\n";
  return text + (checked.faults.empty() ? "every tag fits\n" : "");
}

}  // namespace

std::unexpected<Error> needs_newer_reader() {
  return fail(ErrorCode::kUnsupported,
              "the cartridge needs a newer reader: it holds what a later version wrote, and is not damaged",
              "FILE", "use the version of Tapewarden that wrote it, or a later one");
}

std::unexpected<Error> interrupted_write() {
  return fail(ErrorCode::kCorrupt,
              "interrupted write: what is there is in order, and less than was to be written", "FILE",
              "write again what was cut off; `tape write --append` goes on behind it", kWritingCutOff);
}

Status verify_with_keys(Context& context, const Values& values) {
  if (context.globals.site.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the site is missing", "--site",
                "name the folder that `site init` made");
  }
  const auto config =
      TRY(keyproxy::read_engine_config(*context.env.disk, context.globals.site + "/engine/engine.toml"));
  const auto bench = TRY(DriveBench::open(context.env, config, to_upper(values.text("--drive"))));
  TRY(bench->insert(values.text("FILE")));
  auto checked = check_tape(context, *bench);
  (void)TRY(bench->device().eject());
  if (!checked) return std::unexpected(checked.error());
  json::array faults;
  for (const auto& fault : checked->faults) faults.emplace_back(fault);
  print_report(context,
               {{"good", checked->good()},
                {"blocks", checked->blocks},
                {"bytes", checked->bytes},
                {"filemarks", checked->filemarks},
                {"key_exchanges", checked->keys},
                {"cut_off_files", json::array(checked->cut_off_files.begin(), checked->cut_off_files.end())},
                {"last_file_without_filemark", checked->open_end && checked->cut_off_files.empty()
                                                   ? json::value(checked->filemarks)
                                                   : json::value(nullptr)},
                {"faults", std::move(faults)}},
               text_of(*checked));
  if (checked->good()) return {};
  if (checked->faults.empty()) return interrupted_write();
  if (checked->newer == checked->faults.size()) return needs_newer_reader();
  return fail(ErrorCode::kCorrupt, "the cartridge does not verify with its key", "FILE",
              "restore its volumes from a copy");
}

}  // namespace tapewarden::cli
