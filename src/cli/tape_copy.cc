#include "cli/tape_copy.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

#include "base/counted.h"
#include "cli/exit_code.h"
#include "cli/interruption.h"

namespace tapewarden::cli {

namespace {

using keyproxy::HostIntent;

constexpr std::uint8_t kMostPartitions = 3;  // additional ones that any drive makes
using tape::TapeFault;

Error of(const tape::TapeError& error) {
  return error.error();
}

template <typename T>
Result<T> plain(tape::TapeResult<T> result) {
  if (!result) return std::unexpected(of(result.error()));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*result);
  }
}

// Up to the buffer's size; fewer only at the end of input.
Result<std::size_t> read_fully(int input, MutableByteView out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const MutableByteView rest = out.subspan(done);
    TRY(await_readable(input));
    const ssize_t got = ::read(input, rest.data(), rest.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::kIo, std::string("cannot read the input: ") + std::strerror(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

// What a pipe takes at once when it takes anything: a longer write would wait where no signal ends it.
constexpr std::size_t kAtOnce = 4096;  // PIPE_BUF

Status write_fully(int output, ByteView data) {
  struct stat facts{};
  const bool never_waits = ::fstat(output, &facts) == 0 && S_ISREG(facts.st_mode);
  while (!data.empty()) {
    TRY(await_writable(output));
    const ByteView part = never_waits ? data : data.first(std::min(data.size(), kAtOnce));
    const ssize_t put = ::write(output, part.data(), part.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(ErrorCode::kIo, std::string("cannot write the output: ") + std::strerror(errno));
    data = data.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

bool asks_for_key(TapeFault fault) {
  return fault == TapeFault::kKeyGenerationNeeded || fault == TapeFault::kKeyTranslationNeeded;
}

// An append asks for encryption too, though it takes the key that the tape has: what the cartridge says of
// itself must not be what decides that data goes out in clear.
scsi::WritePolicyPage policy_of(const TapeWriteOptions& options) {
  scsi::WritePolicyPage policy;
  policy.encrypt = !options.clear;
  if (options.clear || options.append) return policy;
  policy.labels = options.labels;
  policy.alias_or_group = options.group;
  return policy;
}

// Whether anything stands on the tape, readable or not. Leaves it at its beginning.
Result<bool> holds_data(tape::TapeDrive& drive) {
  TRY(plain(drive.rewind()));
  const auto moved = drive.space_filemarks(1);
  const auto position = drive.position();
  TRY(plain(drive.rewind()));
  if (!moved && moved.error().fault != TapeFault::kEndOfData) return true;
  return !position || position->logical_object > 0;
}

Status check_overwrite(tape::TapeDrive& drive, const TapeWriteOptions& options) {
  if (options.append || !TRY(holds_data(drive))) return {};
  if (options.may_overwrite && options.may_overwrite()) return {};
  return fail(ErrorCode::kAlreadyExists, "there is data on the cartridge, and this write begins at its start",
              "--overwrite", "say --append to write behind it, or --overwrite to lose it");
}

// Where somebody else brings the keys, he chooses them too.
Status check_nothing_chosen(const std::string& by, const TapeWriteOptions& options) {
  const char* chosen = options.clear             ? "--clear"
                       : !options.group.empty()  ? "--group"
                       : !options.labels.empty() ? "--label"
                                                 : nullptr;
  if (chosen == nullptr) return {};
  return fail(ErrorCode::kConflict, by + " brings the keys of this drive and chooses them", chosen,
              "leave it out; what is encrypted, and how, stands in its configuration");
}

// Where somebody else brings the keys: whether he has.
Status tell_of_others_key(KeyedDrive& bench, CopyReport& report) {
  if (report.brought_by.empty()) return {};
  const auto status = TRY(plain(bench.tape().encryption_status()));
  report.encrypted = status.encryption == scsi::EncryptionMode::kEncrypt;
  return {};
}

Error without_key(const tape::TapeError& error, const std::string& brought_by) {
  Error named = of(error);
  if (brought_by.empty() || error.fault != TapeFault::kKeyServiceFailed) return named;
  named.message = brought_by + " brought no key: " + named.message;
  named.remedy =
      "see whether its key servers can be reached (of a Tapewarden engine: `tapewarden engine "
      "key-servers`) and the drive is accepted (`tapewarden drive-table list`)";
  return named;
}

// The drive is told how to write, which it takes at the beginning of tape only, and gets its key when the
// host sets it.
Status prepare_write(KeyedDrive& bench, const TapeWriteOptions& options, CopyReport& report) {
  tape::TapeDrive& drive = bench.tape();
  // A drive that has no switch for it compresses, or not, as it does.
  const auto compression = drive.set_compression(options.compression);
  if (!compression && !options.compression) return std::unexpected(of(compression.error()));
  TRY(plain(drive.rewind()));
  report.brought_by = bench.keys_brought_by();
  if (!report.brought_by.empty()) {
    TRY(check_nothing_chosen(report.brought_by, options));
    return options.append ? plain(drive.to_end_of_data()) : Status{};
  }
  if (!bench.set_by_host()) TRY(plain(drive.set_write_policy(policy_of(options))));
  if (options.append) TRY(plain(drive.to_end_of_data()));
  if (!bench.set_by_host()) return {};
  if (options.clear) return bench.clear_key();
  report.served = TRY(
      bench.bring_key(options.append ? HostIntent::kAppend : HostIntent::kWriteFromBeginning, options.group));
  report.encrypted = true;
  return {};
}

// `write` is a block or a filemark.
Status write_one(KeyedDrive& bench, const TapeWriteOptions& options, CopyReport& report,
                 const std::function<tape::TapeResult<tape::WriteOutcome>(tape::TapeDrive&)>& write) {
  auto written = write(bench.tape());
  if (!written && asks_for_key(written.error().fault)) {
    report.served = TRY(bench.bring_key(
        options.append ? HostIntent::kAppend : HostIntent::kWriteFromBeginning, options.group));
    report.encrypted = true;
    written = write(bench.tape());
  }
  if (written) return {};
  Error error = without_key(written.error(), report.brought_by);
  if (options.append && written.error().fault == TapeFault::kEncryptionRefused) {
    error.remedy = options.clear
                       ? "leave --clear out: there is encrypted data on the tape; if it says itself that it "
                         "is clear, it was erased or tampered with: see `tapewarden cartridge verify`"
                       : "the tape says that it is clear: append with --clear when it should be, else see "
                         "`tapewarden cartridge verify`, or write from the beginning";
  }
  return std::unexpected(std::move(error));
}

std::optional<Sealing> told_by(scsi::BlockStatus status) {
  switch (status) {
    case scsi::BlockStatus::kNotABlock:
    case scsi::BlockStatus::kNotEncrypted:
      return Sealing::kClear;
    case scsi::BlockStatus::kOtherAlgorithm:
    case scsi::BlockStatus::kReadable:
    case scsi::BlockStatus::kKeyMissing:
      return Sealing::kEncrypted;
    default:
      return std::nullopt;
  }
}

// Of the next block, where the tape stays. A drive that knows no encryption has none on its tapes; some know
// of a block only when they have tried to read it.
Result<Sealing> sealing_of_next(KeyedDrive& bench, std::uint64_t object) {
  tape::TapeDrive& drive = bench.tape();
  auto next = drive.next_block_status();
  if (!next && next.error().fault == TapeFault::kIllegalRequest) return Sealing::kClear;
  if (!next) return std::unexpected(of(next.error()));
  if (const auto told = told_by(next->status)) return *told;
  if (!bench.set_by_host()) return Sealing::kNotTold;  // a read would make such a drive ask for the key
  const auto read = drive.read_block(bench.read_limit());
  if (!read && read.error().fault == TapeFault::kTransport) return std::unexpected(of(read.error()));
  const bool wants_key =
      !read && (asks_for_key(read.error().fault) || read.error().fault == TapeFault::kNoKey ||
                read.error().fault == TapeFault::kWrongKey);
  TRY(plain(drive.locate(object)));
  if (wants_key) return Sealing::kEncrypted;
  next = drive.next_block_status();
  if (!next) return std::unexpected(of(next.error()));
  return told_by(next->status).value_or(Sealing::kNotTold);
}

// `files`: as KeyedDrive::cut_off_files() tells them.
FileEnd end_of(const std::optional<std::vector<std::uint64_t>>& files, std::uint64_t file, bool filemark) {
  if (files && std::ranges::find(*files, file) != files->end()) return FileEnd::kCutOff;
  if (!filemark) return FileEnd::kNoFilemark;
  return files ? FileEnd::kWhole : FileEnd::kFilemark;
}

// At the end of data: whether blocks lie behind the last filemark. Comes back there.
Result<bool> ends_without_filemark(tape::TapeDrive& drive) {
  const auto end = TRY(plain(drive.position()));
  if (end.logical_object == 0) return false;
  const auto moved = drive.space_filemarks(-1);
  if (!moved) return std::unexpected(of(moved.error()));
  const auto there = TRY(plain(drive.position()));
  TRY(plain(drive.to_end_of_data()));
  const bool any = moved->stop == tape::SpaceOutcome::Stop::kDone;
  return !any || end.logical_object > there.logical_object + 1;
}

// Where an append stands inside a tape file that no filemark ended, cut off or not: ends it.
Status end_open_file(KeyedDrive& bench, const TapeWriteOptions& options, CopyReport& report) {
  const auto position = TRY(plain(bench.tape().position()));
  report.file_number = position.file_number;
  if (!options.append) return {};
  if (!TRY(ends_without_filemark(bench.tape()))) return {};
  const auto cut_off = bench.cut_off_files();
  TRY(write_one(bench, options, report, [](tape::TapeDrive& drive) { return drive.write_filemarks(1); }));
  report.end = end_of(cut_off, position.file_number, false);
  report.ended_before = position.file_number;
  ++report.file_number;
  return {};
}

// A block that cannot be read, named; what else the tape holds is had by the rescue program.
Error read_error(const tape::TapeError& error, const CopyReport& report, std::uint64_t object) {
  Error named = without_key(error, report.brought_by);
  if (error.fault != TapeFault::kMediumError && error.fault != TapeFault::kTampered) return named;
  named.message = "block " + std::to_string(report.blocks) + " of tape file " +
                  std::to_string(report.file_number) + " (block " + std::to_string(object) +
                  " of the tape) cannot be read; the " + std::to_string(report.blocks) +
                  " before it were given: " + named.message;
  named.remedy = "`tapewarden-rescue read` writes what can be read before and behind it";
  return named;
}

// Of a write that a signal ended: what is on the tape of it. Other errors stay as they are.
Error written_until(Error error, const CopyReport& report) {
  if (error.detail != kInterrupted) return error;
  error.message += report.blocks == 0
                       ? ": nothing of the input was written"
                       : ": tape file " + std::to_string(report.file_number) + " was begun, and after " +
                             counted(report.blocks, "block") + " it has no end";
  if (report.blocks != 0) error.remedy = "write it anew, with --append or from the beginning";
  return error;
}

}  // namespace

Result<CopyReport> write_tape(KeyedDrive& bench, int input, const TapeWriteOptions& options,
                              const CopyProgress& progress) {
  Bytes buffer(options.block_bytes);
  // The first block before anything else: an empty input must not cost a key that is used once.
  auto first = read_fully(input, buffer);
  if (!first) return std::unexpected(written_until(std::move(first).error(), {}));
  std::size_t got = *first;
  if (got == 0) {
    return fail(ErrorCode::kInvalidArgument, "there is nothing to write: the input is empty", "input");
  }
  TRY(check_overwrite(bench.tape(), options));
  CopyReport report;
  TRY(prepare_write(bench, options, report));
  TRY(end_open_file(bench, options, report));
  while (got > 0) {
    const ByteView block = ByteView(buffer).first(got);
    TRY(write_one(bench, options, report,
                  [block](tape::TapeDrive& drive) { return drive.write_block(block); }));
    report.bytes += got;
    ++report.blocks;
    if (progress) progress(report.bytes);
    if (got < buffer.size()) break;
    auto more = read_fully(input, buffer);
    if (!more) return std::unexpected(written_until(std::move(more).error(), report));
    got = *more;
  }
  TRY(plain(bench.tape().write_filemarks(1)));
  TRY(tell_of_others_key(bench, report));
  TRY(bench.confirm());
  return report;
}

Result<CopyReport> read_tape(KeyedDrive& bench, int output, std::uint64_t file_number,
                             const CopyProgress& progress) {
  tape::TapeDrive& drive = bench.tape();
  CopyReport report;
  report.file_number = file_number;
  report.brought_by = bench.keys_brought_by();
  TRY(plain(drive.rewind()));
  if (file_number > 0) {
    const auto there = drive.locate_file(file_number);
    if (!there) return in_context("tape file " + std::to_string(file_number), of(there.error()));
  }
  const std::uint64_t first_object = TRY(plain(drive.position())).logical_object;
  if (const auto next = drive.next_block_status(); !report.brought_by.empty() && next)
    report.encrypted = told_by(next->status) == Sealing::kEncrypted;
  while (true) {
    auto read = drive.read_block(bench.read_limit());
    if (!read && report.brought_by.empty() &&
        (asks_for_key(read.error().fault) || read.error().fault == TapeFault::kNoKey)) {
      report.served = TRY(bench.bring_key(HostIntent::kRead, {}));
      report.encrypted = true;
      read = drive.read_block(bench.read_limit());
    }
    if (!read) {
      return std::unexpected(read_error(read.error(), report, first_object + report.blocks));
    }
    if (read->kind != tape::ReadOutcome::Kind::kBlock) {
      if (report.blocks == 0 && read->kind == tape::ReadOutcome::Kind::kEndOfData) {
        return fail(ErrorCode::kNotFound, "the tape has no file " + std::to_string(file_number), "file",
                    "see `tapewarden tape list`");
      }
      report.end =
          end_of(bench.cut_off_files(), file_number, read->kind == tape::ReadOutcome::Kind::kFilemark);
      return report;
    }
    if (read->block_bytes > read->data.size()) {
      return fail(ErrorCode::kUnsupported,
                  "a block of the tape has " + std::to_string(read->block_bytes) +
                      " bytes, more than the way to this drive carries at once",
                  "block length", "read it with the program that wrote it");
    }
    TRY(write_fully(output, read->data));
    report.bytes += read->data.size();
    ++report.blocks;
    if (progress) progress(report.bytes);
  }
}

namespace {

// A drive that has no page 11h divides no cartridge.
std::uint8_t partitions_of(tape::TapeDrive& drive) {
  const auto parameters = drive.mode_sense(scsi::mode_page::kMediumPartition);
  if (!parameters) return 1;
  const auto* page = parameters->find(scsi::mode_page::kMediumPartition);
  const bool told = page != nullptr && page->body.size() > 1;
  return told ? static_cast<std::uint8_t>(std::min(page->body[1], kMostPartitions) + 1) : std::uint8_t{1};
}

// The tape files from the position, which is the beginning of a partition.
Result<std::vector<TapeFile>> list_partition(KeyedDrive& bench, std::uint8_t partition) {
  tape::TapeDrive& drive = bench.tape();
  std::vector<TapeFile> files;
  const auto cut_off = bench.cut_off_files();
  while (true) {
    TRY(check_interruption());
    const auto start = TRY(plain(drive.position()));
    const Sealing sealing = TRY(sealing_of_next(bench, start.logical_object));
    const auto moved = drive.space_filemarks(1);
    const bool ends = !moved && moved.error().fault == TapeFault::kEndOfData;
    if (!moved && !ends) return std::unexpected(of(moved.error()));
    const auto end = TRY(plain(drive.position()));
    const bool at_end = ends || moved->stop == tape::SpaceOutcome::Stop::kEndOfData;
    const std::uint64_t objects = end.logical_object - start.logical_object;
    if (at_end && objects == 0) return files;
    files.push_back({files.size(), at_end ? objects : objects - 1, sealing,
                     end_of(cut_off, files.size(), !at_end), partition});
    if (at_end) return files;
  }
}

}  // namespace

Result<std::vector<TapeFile>> list_tape(KeyedDrive& bench) {
  tape::TapeDrive& drive = bench.tape();
  const std::uint8_t partitions = partitions_of(drive);
  std::vector<TapeFile> files;
  for (std::uint8_t partition = 0; partition < partitions; ++partition) {
    TRY(plain(partitions == 1 ? drive.rewind() : drive.locate_in(partition, 0)));
    for (const auto& file : TRY(list_partition(bench, partition))) files.push_back(file);
  }
  return files;
}

}  // namespace tapewarden::cli
