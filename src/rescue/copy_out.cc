#include "rescue/copy_out.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"

namespace tapewarden::rescue {

namespace {

constexpr std::uint64_t kProgressStep = 64U << 20;

// One tape file on its way to the disk. Runs of blocks of one size stand on one line of the list.
class OutputFile {
 public:
  static Result<OutputFile> create(Disk& disk, const std::string& stem) {
    for (const char* name : {".bin", ".damaged"}) {
      if (disk.exists(stem + name)) {
        return fail(ErrorCode::kAlreadyExists, stem + name + " is there already", "to",
                    "name an empty folder");
      }
    }
    OutputFile out;
    out.disk_ = &disk;
    out.stem_ = stem;
    out.file_ = TRY(disk.open(stem + ".part", OpenMode::kCreate, 0600));
    TRY(out.file_->truncate(0));
    return out;
  }

  Status add(ByteView block) {
    TRY(file_->write_at(bytes_, block));
    bytes_ += block.size();
    if (!runs_.empty() && runs_.back().first == block.size()) {
      ++runs_.back().second;
    } else {
      runs_.emplace_back(block.size(), 1);
    }
    return {};
  }
  void mark_damaged() { damaged_ = true; }
  bool empty() const { return bytes_ == 0 && !damaged_; }

  // The name under which it stands.
  Result<std::string> finish() {
    TRY(file_->sync());
    file_.reset();
    const std::string path = stem_ + (damaged_ ? ".damaged" : ".bin");
    TRY(disk_->rename(stem_ + ".part", path));
    return path;
  }
  Status drop() {
    file_.reset();
    return disk_->remove(stem_ + ".part");
  }
  std::string describe() const {
    std::string text = std::to_string(bytes_) + " bytes";
    for (const auto& [size, count] : runs_) {
      text += "\n    " + std::to_string(count) + (count == 1 ? " block of " : " blocks of ") +
              std::to_string(size) + " bytes";
    }
    return text;
  }

 private:
  OutputFile() = default;
  Disk* disk_ = nullptr;
  std::string stem_;
  std::unique_ptr<File> file_;
  std::uint64_t bytes_ = 0;
  std::vector<std::pair<std::size_t, std::uint64_t>> runs_;
  bool damaged_ = false;
};

class Copier {
 public:
  Copier(Env env, tape::Cartridge& cartridge, const CopyOptions& options)
      : env_(env), cartridge_(cartridge), options_(options) {
    for (const FoundKey& key : options.keys) {
      keys_[crypto::key_check_value(*key.data_key, cartridge.identity().volume)] =
          std::make_shared<const tape::DataKey>(crypto::SecretBytes::copy_of(key.data_key->reveal()));
    }
  }

  Result<CopyReport> run() {
    TRY(check_volser());
    TRY(env_.disk->make_directories(options_.directory, 0700));
    if (env_.disk->exists(list_path())) {
      return fail(ErrorCode::kAlreadyExists, list_path() + " is there already", "to", "name an empty folder");
    }
    for (std::uint8_t partition = 0; partition < cartridge_.partitions(); ++partition)
      TRY(copy_partition(partition));
    TRY(write_file_atomically(*env_.disk, list_path(), as_bytes(list_)));
    report_.written.push_back(list_path());
    return std::move(report_);
  }

 private:
  // It becomes a part of paths, and whoever made the tape chose it.
  Status check_volser() const {
    const std::string volser = cartridge_.identity().volser;
    const auto fits = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (!volser.empty() && std::ranges::all_of(volser, fits)) return {};
    return fail(ErrorCode::kCorrupt,
                "the cartridge calls itself \"" + escape_unprintable(volser) + "\", which is no volser",
                "volser", "no cartridge is made with such a name: find out where this file comes from");
  }
  std::string stem() const {
    std::string number = std::to_string(files_here_ + 1);
    if (number.size() < 4) number.insert(0, 4 - number.size(), '0');
    const char* part = cartridge_.position().partition == 0 ? "-" : "-p1-";
    return options_.directory + "/" + cartridge_.identity().volser + part + number;
  }
  std::string list_path() const { return options_.directory + "/" + cartridge_.identity().volser + ".txt"; }

  Status copy_partition(std::uint8_t partition) {
    files_here_ = 0;
    if (const auto there = cartridge_.change_partition(partition); !there) {
      const std::string fault = escape_unprintable(there.error().message);
      report_.faults.push_back(fault);
      list_ += fault + "\n";
      return {};
    }
    if (partition != 0) list_ += "partition " + std::to_string(partition) + ":\n";
    const bool before = std::exchange(report_.ended_early, false);
    while (TRY(copy_file())) {
    }
    if (report_.ended_early) list_ += "the rest of the tape could not be read\n";
    report_.ended_early = report_.ended_early || before;
    return {};
  }

  // False at the end of the partition.
  Result<bool> copy_file() {
    auto file = TRY(OutputFile::create(*env_.disk, stem()));
    bool more = true;
    while (true) {
      const auto kind = TRY(copy_block(file));
      if (kind == tape::BlockKind::kData) continue;
      more = kind == tape::BlockKind::kFilemark;
      break;
    }
    if (!more && file.empty()) {
      TRY(file.drop());
      return false;
    }
    const auto cut_off = cartridge_.cut_off_files();
    if (std::ranges::find(cut_off, files_here_) != cut_off.end()) note_cut_off(file);
    ++report_.files;
    ++files_here_;
    const std::string description = file.describe();
    report_.written.push_back(TRY(file.finish()));
    list_ += "file " + std::to_string(files_here_) + ": " + description + "\n";
    return more;
  }

  // What was met; kEndOfData also where the tape cannot be followed further.
  Result<tape::BlockKind> copy_block(OutputFile& file) {
    const std::uint64_t object = cartridge_.position().logical_object;
    const auto next = cartridge_.next_block();
    if (next && next->encryption == tape::BlockEncryption::kKeyMissing) TRY(choose_key(*next));
    const auto read = cartridge_.read_record();
    if (!read) return note_fault(file, read.error(), object);
    if (read->kind != tape::BlockKind::kData) return read->kind;
    TRY(file.add(read->data));
    ++report_.blocks;
    report_.bytes += read->data.size();
    if (options_.progress && report_.bytes >= next_progress_) {
      next_progress_ = report_.bytes + kProgressStep;
      options_.progress(report_.bytes);
    }
    return tape::BlockKind::kData;
  }

  Status choose_key(const tape::NextBlock& next) {
    const auto found = next.check_value ? keys_.find(*next.check_value) : keys_.end();
    if (found != keys_.end()) {
      cartridge_.set_read_key(found->second);
      return {};
    }
    if (report_.blocks > 0 || !report_.faults.empty()) return {};  // a later session: told block by block
    return fail(ErrorCode::kWrongKey, "none of the keys found opens this cartridge", "kek",
                "`tapewarden-rescue show` says which key it wants");
  }

  void note_cut_off(OutputFile& file) {
    file.mark_damaged();
    const std::string fault = "file " + std::to_string(files_here_ + 1) +
                              " was cut off when it was written: its end was never on the tape";
    report_.faults.push_back(fault);
    list_ += fault + "\n";
  }

  Result<tape::BlockKind> note_fault(OutputFile& file, const Error& error, std::uint64_t object) {
    file.mark_damaged();
    const std::string fault = "block " + std::to_string(object) + ": " + escape_unprintable(error.message);
    report_.faults.push_back(fault);
    list_ += fault + "\n";
    if (report_.faults.size() < kMaximumFaults) {
      if (cartridge_.position().logical_object != object) return tape::BlockKind::kData;
      if (const auto next = pass_over(error)) return *next;
    }
    report_.ended_early = true;
    return tape::BlockKind::kEndOfData;
  }

  // What lies before the place where the copy goes on; nothing where there is no such place. A block whose
  // key is not here is whole, so the next ones can be reached; behind damage the tape's index may know the
  // way.
  std::optional<tape::BlockKind> pass_over(const Error& error) {
    const auto here = cartridge_.position();
    if (error.code == ErrorCode::kWrongKey) {
      const auto moved = cartridge_.space_records(1);
      return moved && moved->moved == 1 ? std::optional(tape::BlockKind::kData) : std::nullopt;
    }
    if (cartridge_.locate(here.logical_object + 1) && reads_on(here)) return tape::BlockKind::kData;
    if (cartridge_.locate_file(here.file_number + 1) && reads_on(here)) return tape::BlockKind::kFilemark;
    return std::nullopt;
  }
  bool reads_on(const tape::Position& from) {
    return cartridge_.position().logical_object > from.logical_object && cartridge_.next_block().has_value();
  }

  const Env env_;
  tape::Cartridge& cartridge_;
  const CopyOptions& options_;
  std::map<crypto::KeyCheckValue, tape::DataKeyHandle> keys_;
  std::string list_;
  CopyReport report_;
  std::uint64_t files_here_ = 0;  // of the partition
  std::uint64_t next_progress_ = kProgressStep;
};

}  // namespace

Result<CopyReport> copy_out(Env env, tape::Cartridge& cartridge, const CopyOptions& options) {
  return Copier(env, cartridge, options).run();
}

}  // namespace tapewarden::rescue
