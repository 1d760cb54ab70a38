#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include "base/counted.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/drive_bench.h"
#include "cli/exit_code.h"
#include "cli/host_tape.h"
#include "cli/interruption.h"
#include "cli/nouns.h"
#include "cli/report.h"
#include "cli/tape_constructs.h"
#include "cli/tape_copy.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kProgressStep = 16U << 20;  // bytes between two lines of progress

const ArgumentSpec kRealDrive{
    .name = "DEVICE", .meaning = "a real drive: /dev/nst0, /dev/sg1, or iscsi://…; else a virtual one:"};
const ArgumentSpec kDrive{.name = "--drive", .meaning = "the virtual drive's serial"};
const ArgumentSpec kCartridge{.name = "--cartridge", .meaning = "the cartridge file of the virtual drive"};
const ArgumentSpec kVolser{.name = "--volser",
                           .meaning = "the name of a real cartridge, where its memory has none"};
const ArgumentSpec kAllowRemote{.name = "--allow-remote-plain-key",
                                .kind = ArgumentKind::kFlag,
                                .meaning = "to a real drive the key may go over a network in clear"};

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
  if (number < 0)
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                "cannot open " + path + ": " + std::generic_category().message(errno),
                write ? "--output" : "--input",
                write ? "name a file in a folder that you may write to" : "name a file that you may read");
  return Descriptor(number);
}

// The drive of the command: a virtual one with its cartridge put in, or a real one.
struct OpenDrive {
  std::unique_ptr<KeyedDrive> keyed;
  DriveBench* bench = nullptr;  // a virtual one

  KeyedDrive& drive() { return *keyed; }
  // What belongs to the end of a command that went well.
  Status close() {
    if (bench != nullptr) (void)TRY(bench->device().eject());
    return {};
  }
};

Result<OpenDrive> open_virtual(Context& context, const Values& values) {
  if (context.globals.site.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the site is missing", "--site",
                "name the folder that `site init` made");
  }
  const auto config =
      TRY(keyproxy::read_engine_config(*context.env.disk, context.globals.site + "/engine/engine.toml"));
  auto bench = TRY(DriveBench::open(context.env, config, to_upper(values.text("--drive"))));
  TRY(bench->insert(values.text("--cartridge")));
  auto* const raw = bench.get();
  return OpenDrive{std::move(bench), raw};
}

Result<OpenDrive> open_drive(Context& context, const Values& values) {
  const bool real = values.has("DEVICE");
  if (real && !values.has("--drive") && !values.has("--cartridge"))
    return OpenDrive{TRY(HostTape::open(context, values)), nullptr};
  if (!real && values.has("--drive") && values.has("--cartridge")) return open_virtual(context, values);
  return fail(ErrorCode::kInvalidArgument, "it is not clear which drive is meant", "DEVICE",
              "name a real drive, or a virtual one by --drive and its cartridge by --cartridge");
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
        << (report.end == FileEnd::kCutOff ? " had been cut off"
                                           : " may have been cut off, it had no filemark")
        << ": it was ended by a filemark, and this is tape file " << report.file_number << "\n";
  }
  err << verb << " " << counted(report.bytes, "byte") << " in " << counted(report.blocks, "block")
      << ", tape file " << report.file_number;
  if (!report.encrypted) {
    err << ", clear\n";
    return;
  }
  err << ", encrypted";
  if (!report.served.alias.empty()) err << " with " << escape_unprintable(report.served.alias);
  if (!report.brought_by.empty()) {
    err << ", key from " << report.brought_by << "\n";
    return;
  }
  for (const auto& label : report.served.labels) err << " [" << escape_unprintable(label) << "]";
  err << ", key from the " << dkx::to_string(report.served.role) << " key server\n";
}

Status write(Context& context, const Values& values) {
  auto options = TRY(options_of(values));
  options.may_overwrite = [&context, &values] {
    if (values.has("--overwrite")) return true;
    const auto what =
        values.has("DEVICE") ? "the cartridge in " + values.text("DEVICE") : values.text("--cartridge");
    const Interruption::Window window;
    return context.confirm && context.confirm("There is data on " + what +
                                              ". Write over it from its beginning, so that it is lost?");
  };
  const auto input = TRY(open_file(values.text("--input"), false));
  auto opened = TRY(open_drive(context, values));
  const auto report = TRY(write_tape(opened.drive(), input.number(), options, progress_of(context)));
  TRY(opened.close());
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
  auto opened = TRY(open_drive(context, values));
  const auto path = values.text("--output");
  const bool fresh = !path.empty() && path != "-" && !context.env.disk->exists(path);
  const auto output = TRY(open_file(path, true));
  const auto copied = read_tape(opened.drive(), output.number(), file, progress_of(context));
  // What was not found leaves no empty file that looks like it.
  if (!copied && fresh && ::lseek(output.number(), 0, SEEK_CUR) == 0) (void)context.env.disk->remove(path);
  const auto report = TRY(copied);
  TRY(opened.close());
  tell(context, "read", report);
  if (report.end == FileEnd::kNoFilemark)
    *context.err << "no filemark ends it: its writing may have been cut off, which nobody tells\n";
  return report.end == FileEnd::kCutOff ? cut_off(report.file_number) : Status{};
}

std::string_view name_of(Sealing sealing) {
  switch (sealing) {
    case Sealing::kClear:
      return "clear";
    case Sealing::kEncrypted:
      return "encrypted";
    case Sealing::kNotTold:
      break;
  }
  return "encryption not told by the drive";
}

std::string_view note_on(FileEnd end) {
  switch (end) {
    case FileEnd::kCutOff:
      return "  cut off: its writing was interrupted";
    case FileEnd::kNoFilemark:
      return "  no filemark ends it: its writing may have been interrupted";
    default:
      return "";
  }
}

Status list(Context& context, const Values& values) {
  auto opened = TRY(open_drive(context, values));
  const auto files = TRY(list_tape(opened.drive()));
  if (files.empty()) *context.out << "blank: nothing is written on this cartridge\n";
  for (const auto& file : files) {
    if (file.partition != 0) *context.out << "partition " << unsigned{file.partition} << ", ";
    *context.out << "file " << file.number << "  " << counted(file.blocks, "block") << "  "
                 << name_of(file.sealing) << note_on(file.end) << "\n";
  }
  TRY(opened.close());
  return {};
}

json::value name_or_null(const std::optional<std::string>& name) {
  return name ? json::value(*name) : json::value();
}

Status constructs(Context& context, const Values& values) {
  NamedConstructs names;
  if (values.has("--storage-group")) names.storage_group = to_upper(values.text("--storage-group"));
  if (values.has("--management-class")) names.management_class = to_upper(values.text("--management-class"));
  auto opened = TRY(open_drive(context, values));
  auto& drive = opened.drive().tape();
  TRY(name_constructs(drive, names));
  const auto now = TRY(constructs_on(drive));
  TRY(opened.close());
  print_report(context,
               {{"storage_group", name_or_null(now.storage_group)},
                {"management_class", name_or_null(now.management_class)}},
               "storage group     " + now.storage_group.value_or("none") + "\nmanagement class  " +
                   now.management_class.value_or("none") + "\n");
  return {};
}

}  // namespace

std::vector<Command> tape_commands() {
  return {
      {.noun = "tape",
       .verb = "write",
       .summary = "Write standard input as one file onto the cartridge in a drive, encrypted",
       .example =
           "tar -cf - docs | tapewarden tape write --site ~/site --drive 1000000001 --cartridge TW0001L9",
       .arguments = {kRealDrive,
                     kDevicePassword,
                     kDrive,
                     kCartridge,
                     kVolser,
                     kAllowRemote,
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
       .arguments = {kRealDrive,
                     kDevicePassword,
                     kDrive,
                     kCartridge,
                     kVolser,
                     kAllowRemote,
                     {.name = "--file",
                      .kind = ArgumentKind::kInteger,
                      .meaning = "its number; 0 is the first"},
                     {.name = "--output", .meaning = "a file instead of standard output"}},
       .does = read},
      {.noun = "tape",
       .verb = "list",
       .summary = "Show the files of a cartridge; needs no key",
       .example = "tapewarden tape list --site ~/site --drive 1000000001 --cartridge TW0001L9",
       .arguments = {kRealDrive, kDevicePassword, kDrive, kCartridge},
       .does = list},
      {.noun = "tape",
       .verb = "constructs",
       .summary = "Show or name the constructs of a logical volume on the cartridge in a drive",
       .example = "tapewarden tape constructs /dev/nst0 --storage-group SGDAILY --management-class MCTWO",
       .arguments = {kRealDrive,
                     kDevicePassword,
                     kDrive,
                     kCartridge,
                     {.name = "--storage-group",
                      .meaning = "settles the pool of the first copy; an empty one takes the name off"},
                     {.name = "--management-class",
                      .meaning = "settles the pool of the second copy; an empty one takes the name off"}},
       .does = constructs},
  };
}

}  // namespace tapewarden::cli
