#include <fcntl.h>
#include <unistd.h>

#include "base/counted.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/nouns.h"
#include "cli/tape_copy.h"

namespace tapewarden::cli {
namespace {

constexpr std::uint64_t kProgressStep = 16U << 20;  // bytes between two lines of progress

const ArgumentSpec kDrive{.name = "--drive", .required = true, .meaning = "the virtual drive's serial"};
const ArgumentSpec kCartridge{.name = "--cartridge", .required = true, .meaning = "the cartridge file"};

// A descriptor that is closed at the end, unless it is standard input or output.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ > STDERR_FILENO) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

Result<Descriptor> open_file(const std::string& path, bool write) {
  if (path.empty() || path == "-") return Descriptor(write ? STDOUT_FILENO : STDIN_FILENO);
  const int flags = write ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
  const int number = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (number < 0) return fail(ErrorCode::kIo, "cannot open " + path, write ? "--output" : "--input");
  return Descriptor(number);
}

Result<std::unique_ptr<DriveBench>> open_bench(Context& context, const Values& values) {
  if (context.globals.site.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the site is missing", "--site",
                "name the folder that `site init` made");
  }
  const auto config =
      TRY(read_engine_config(*context.env.disk, context.globals.site + "/engine/engine.toml"));
  auto bench = TRY(DriveBench::open(context.env, config, to_upper(values.text("--drive"))));
  TRY(bench->insert(values.text("--cartridge")));
  return bench;
}

// "Site key 2026" or "Site key 2026:hash".
Result<scsi::KeyLabel> parse_label(const std::string& text) {
  scsi::KeyLabel label{.text = text};
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return label;
  const std::string mode = text.substr(colon + 1);
  if (mode != "clear" && mode != "hash") {
    return fail(ErrorCode::kInvalidArgument, "a label's mode is clear or hash", "--label",
                "write \"LABEL:hash\"");
  }
  label.text = text.substr(0, colon);
  if (mode == "hash") label.mode = scsi::LabelModeCode::kHash;
  return label;
}

Result<TapeWriteOptions> options_of(const Values& values) {
  TapeWriteOptions options;
  options.append = values.has("--append");
  if (options.append && values.has("--overwrite")) {
    return fail(ErrorCode::kInvalidArgument, "both --append and --overwrite are given", "--overwrite",
                "say where to write: behind what is there, or from the beginning");
  }
  options.clear = values.has("--clear");
  options.compression = !values.has("--no-compression");
  options.group = values.text("--group");
  for (const auto& label : values.list("--label")) options.labels.push_back(TRY(parse_label(label)));
  if (options.labels.size() > scsi::key_path::kMaxLabels) {
    return fail(ErrorCode::kInvalidArgument, "a cartridge has at most two labels", "--label");
  }
  if (values.has("--block-size")) {
    options.block_bytes =
        TRY(parse_number(values.text("--block-size"), 512, tape::kMaxRecordBytes, "--block-size"));
  }
  return options;
}

CopyProgress progress_of(Context& context) {
  if (!context.progress) return {};
  return [&context, next = kProgressStep](std::uint64_t bytes) mutable {
    if (bytes < next) return;
    next = bytes + kProgressStep;
    context.progress(bytes, 0);
  };
}

void tell(Context& context, const char* verb, const CopyReport& report) {
  std::ostream& err = *context.err;  // standard output may carry the data
  if (report.ended_before) {
    err << "the writing of tape file " << *report.ended_before
        << " had been cut off: it was ended by a filemark, and this is tape file " << report.file_number
        << "\n";
  }
  err << verb << " " << counted(report.bytes, "byte") << " in " << counted(report.blocks, "block")
      << ", tape file " << report.file_number;
  if (!report.encrypted) {
    err << ", clear\n";
    return;
  }
  err << ", encrypted";
  if (!report.served.alias.empty()) err << " with " << escape_unprintable(report.served.alias);
  for (const auto& label : report.served.labels) err << " [" << escape_unprintable(label) << "]";
  err << ", key from the " << dkx::to_string(report.served.role) << " key server\n";
}

Status write(Context& context, const Values& values) {
  auto options = TRY(options_of(values));
  options.may_overwrite = [&context, &values] {
    if (values.has("--overwrite")) return true;
    return context.confirm && context.confirm("There is data on " + values.text("--cartridge") +
                                              ". Write over it from its beginning, so that it is lost?");
  };
  const auto input = TRY(open_file(values.text("--input"), false));
  const auto bench = TRY(open_bench(context, values));
  const auto report = TRY(write_tape(*bench, input.number(), options, progress_of(context)));
  (void)TRY(bench->device().eject());
  tell(context, "wrote", report);
  return {};
}

// What is there was given; that it is all is not so.
Status cut_off(std::uint64_t file) {
  return fail(ErrorCode::kCorrupt,
              "the writing of tape file " + std::to_string(file) +
                  " was cut off: these are its first blocks, and what should follow was never written",
              "--cartridge", "write the file anew, with `tape write --append` or from its source",
              kWritingCutOff);
}

Status read(Context& context, const Values& values) {
  const std::uint64_t file =
      values.has("--file") ? TRY(parse_number(values.text("--file"), 0, 1'000'000'000, "--file")) : 0;
  const auto bench = TRY(open_bench(context, values));
  const auto output = TRY(open_file(values.text("--output"), true));
  const auto report = TRY(read_tape(*bench, output.number(), file, progress_of(context)));
  (void)TRY(bench->device().eject());
  tell(context, "read", report);
  return report.cut_off ? cut_off(report.file_number) : Status{};
}

Status list(Context& context, const Values& values) {
  const auto bench = TRY(open_bench(context, values));
  for (const auto& file : TRY(list_tape(*bench))) {
    *context.out << "file " << file.number << "  " << counted(file.blocks, "block") << "  "
                 << (file.encrypted ? "encrypted" : "clear")
                 << (file.cut_off ? "  cut off: its writing was interrupted" : "") << "\n";
  }
  (void)TRY(bench->device().eject());
  return {};
}

}  // namespace

std::vector<Command> tape_commands() {
  return {
      {.noun = "tape",
       .verb = "write",
       .summary = "Write standard input as one file onto a cartridge in a virtual drive, encrypted",
       .example =
           "tar -cf - docs | tapewarden tape write --site ~/site --drive 1000000001 --cartridge TW0001L9",
       .arguments = {kDrive,
                     kCartridge,
                     {.name = "--input", .meaning = "a file instead of standard input"},
                     {.name = "--group", .meaning = "key group or alias (LTO); else the key server chooses"},
                     {.name = "--label",
                      .kind = ArgumentKind::kList,
                      .meaning = "key label (3592), with :hash or :clear; up to two"},
                     {.name = "--append", .kind = ArgumentKind::kFlag, .meaning = "behind what is there"},
                     {.name = "--overwrite",
                      .kind = ArgumentKind::kFlag,
                      .meaning = "from the beginning, though there is data; unless given: asked for"},
                     {.name = "--clear", .kind = ArgumentKind::kFlag, .meaning = "without encryption"},
                     {.name = "--no-compression", .kind = ArgumentKind::kFlag, .meaning = "as it comes"},
                     {.name = "--block-size", .kind = ArgumentKind::kInteger, .meaning = "bytes; 262144"}},
       .does = write},
      {.noun = "tape",
       .verb = "read",
       .summary = "Read one file of a cartridge to standard output",
       .example = "tapewarden tape read --site ~/site --drive 1000000001 --cartridge TW0001L9 | tar -tf -",
       .arguments = {kDrive,
                     kCartridge,
                     {.name = "--file",
                      .kind = ArgumentKind::kInteger,
                      .meaning = "its number; 0 is the first"},
                     {.name = "--output", .meaning = "a file instead of standard output"}},
       .does = read},
      {.noun = "tape",
       .verb = "list",
       .summary = "Show the files of a cartridge; needs no key",
       .example = "tapewarden tape list --site ~/site --drive 1000000001 --cartridge TW0001L9",
       .arguments = {kDrive, kCartridge},
       .does = list},
  };
}

}  // namespace tapewarden::cli
