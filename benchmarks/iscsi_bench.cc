// What a host gets through an iSCSI drive: our target, and Debian's tgt with the same initiator (libiscsi),
// one command after another as Linux' tape driver sends them. Both servers are processes of their own with
// their cartridges on one disk. Blocks that do not compress; both drives as a host finds them.
//
// Written data are on the disk when a measurement ends: ours syncs at the filemark, and tgt's file, which tgt
// never syncs, is synced by the benchmark then. What is read was written just before; both read it from the
// page cache. Rates are of the wall clock, so they mean little on a machine that does something else besides;
// the processor time that a server takes for a block means more there.
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/bytes.h"
#include "crypto/random.h"
#include "harness.h"
#include "harness/library_target.h"
#include "scsi/changer_cdb.h"
#include "support.h"
#include "tape/initiator/tape_drive.h"
#include "tape/transport/iscsi_transport.h"

namespace tapewarden::bench {
namespace {

constexpr std::uint64_t kBytes = 256U << 20;  // of all streams together, each time
constexpr std::uint32_t kCartridgeMib = 640;
constexpr unsigned kRounds = 3;
constexpr std::chrono::seconds kTimeout{60};
constexpr std::size_t kKeyBytes = 32;
constexpr double kLtoRate = 400;  // MB/s, of a real LTO-9 drive

// Where things are in the libraries of tests/interop/guest/targets.
struct Layout {
  std::uint32_t changer = 0;
  std::uint32_t first_drive = 1;
  std::uint16_t slot = 0;
  std::uint16_t drive = 0;
  std::string cartridges{};  // folder
};

enum class Kind : std::uint8_t { kOurs, kTgt };

class Site {
 public:
  Site(Kind kind, const std::string& folder) {
    testing::LibrarySettings settings{
        .encrypting = kind == Kind::kOurs, .cartridge_mib = kCartridgeMib, .folder = folder};
    target_ = must(testing::LibraryTarget::start(settings));
    layout_ = kind == Kind::kOurs
                  ? Layout{.slot = 1000, .drive = 500}
                  : Layout{.changer = 3, .slot = 1024, .drive = 1, .cartridges = folder + "/media/"};
    const auto changer = open(layout_.changer);
    for (std::uint16_t i = 0; i < 2; ++i) {
      const scsi::MoveMedium move{.source = static_cast<std::uint16_t>(layout_.slot + i),
                                  .destination = static_cast<std::uint16_t>(layout_.drive + i)};
      run(*changer, move.encode());
    }
  }

  std::unique_ptr<tape::IscsiTransport> open(std::uint32_t lun) const {
    tape::IscsiLogin login;
    login.password = crypto::SecretBytes::copy_of(as_bytes(target_->password()));
    return must(tape::IscsiTransport::open({.user = target_->user(),
                                            .host = "127.0.0.1",
                                            .port = target_->port(),
                                            .target = target_->iqn(),
                                            .lun = lun},
                                           login));
  }
  std::unique_ptr<tape::IscsiTransport> open_drive(unsigned number) const {
    return open(layout_.first_drive + number);
  }
  // What was written to the cartridge of this drive is on the disk.
  void sync(unsigned number) const {
    if (layout_.cartridges.empty()) return;
    const auto path = layout_.cartridges + "TW000" + std::to_string(number + 1) + "L9";
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0 || ::fdatasync(file) != 0) throw std::runtime_error(path + " cannot be synced");
    ::close(file);
  }
  // Of the server, all its threads.
  double processor_seconds() const {
    std::ifstream stat("/proc/" + std::to_string(target_->pid()) + "/stat");
    std::string line;
    std::getline(stat, line);
    std::istringstream rest(line.substr(line.rfind(')') + 1));
    std::vector<std::string> fields(std::istream_iterator<std::string>(rest), {});
    constexpr std::size_t kUser = 11, kSystem = 12;  // after the name (proc(5), fields 14 and 15)
    if (fields.size() <= kSystem) throw std::runtime_error("the server's process is gone");
    return static_cast<double>(std::stoul(fields[kUser]) + std::stoul(fields[kSystem])) /
           static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  static void run(tape::Transport& transport, const Bytes& cdb, ByteView out = {}) {
    constexpr int kAttentions = 8;
    for (int i = 0;; ++i) {
      const auto answer = must(transport.execute(cdb, out, 0, kTimeout));
      if (answer.status == scsi::ScsiStatus::kGood) return;
      if (answer.sense.code.key != scsi::SenseKey::kUnitAttention || i == kAttentions)
        throw std::runtime_error("a command ended with " + answer.sense.text());
    }
  }

 private:
  std::unique_ptr<testing::LibraryTarget> target_;
  Layout layout_;
};

// One host's use of one drive.
class Stream {
 public:
  Stream(const Site& site, unsigned number, std::size_t block) : site_(site), number_(number), data_(block) {
    transport_ = site.open_drive(number);
    crypto::SystemRandom random;
    random.fill(data_);
  }
  void encrypt(bool on) {
    crypto::SystemRandom random;
    scsi::SetDataEncryption page;
    page.scope = scsi::KeyScope::kLocal;  // of this session
    page.encryption = on ? scsi::EncryptionMode::kEncrypt : scsi::EncryptionMode::kDisable;
    page.decryption = on ? scsi::DecryptionMode::kDecrypt : scsi::DecryptionMode::kDisable;
    const auto key = crypto::random_secret(random, kKeyBytes);
    if (on) page.key = key.reveal();
    tape::TapeDrive drive(*transport_);
    (void)drive.drain_attentions();
    if (const auto set = drive.set_encryption(page, true); !set) throw std::runtime_error(set.error().text());
  }
  void rewind() { Site::run(*transport_, scsi::Rewind{}.encode()); }
  void write(std::uint64_t blocks) {
    const auto cdb = scsi::Write6{.transfer_length = static_cast<std::uint32_t>(data_.size())}.encode();
    for (std::uint64_t i = 0; i < blocks; ++i) Site::run(*transport_, cdb, data_);
    Site::run(*transport_, scsi::WriteFilemarks{.count = 1}.encode());
    site_.sync(number_);
  }
  void read(std::uint64_t blocks) {
    const auto cdb = scsi::Read6{.transfer_length = static_cast<std::uint32_t>(data_.size())}.encode();
    for (std::uint64_t i = 0; i < blocks; ++i) {
      const auto answer = must(transport_->execute(cdb, {}, data_.size(), kTimeout));
      if (answer.status != scsi::ScsiStatus::kGood || answer.data_in.size() != data_.size() ||
          answer.data_in.front() != data_.front() || answer.data_in.back() != data_.back())
        throw std::runtime_error("a block did not come back: " + answer.sense.text());
    }
  }
  // REQUIRES: encryption is off again. What was measured as encrypted was.
  void cannot_read() {
    rewind();
    const auto cdb = scsi::Read6{.transfer_length = static_cast<std::uint32_t>(data_.size())}.encode();
    const auto answer = must(transport_->execute(cdb, {}, data_.size(), kTimeout));
    if (answer.sense.code.key != scsi::SenseKey::kDataProtect)
      throw std::runtime_error("a block is read without its key: " + answer.sense.text());
  }

 private:
  const Site& site_;
  unsigned number_;
  Bytes data_;
  std::unique_ptr<tape::IscsiTransport> transport_;
};

using Streams = std::vector<std::unique_ptr<Stream>>;

// MB/s of all streams together, each in a thread of its own.
double rate(const Streams& streams, const std::function<void(Stream&)>& work) {
  for (const auto& stream : streams) stream->rewind();
  std::vector<std::exception_ptr> faults(streams.size());
  const double seconds = seconds_of([&] {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < streams.size(); ++i)
      threads.emplace_back([&, i] {
        try {
          work(*streams[i]);
        } catch (...) {
          faults[i] = std::current_exception();
        }
      });
  });
  for (const auto& fault : faults)
    if (fault) std::rethrow_exception(fault);
  return static_cast<double>(kBytes) / 1e6 / seconds;
}

struct Rates {
  std::vector<double> write;  // MB/s
  std::vector<double> read;
  std::vector<double> write_time;  // of the server's processors, microseconds a block
  std::vector<double> read_time;
};

Streams open_streams(const Site& site, unsigned count, std::size_t block, bool encrypted) {
  Streams streams;
  for (unsigned i = 0; i < count; ++i) {
    streams.push_back(std::make_unique<Stream>(site, i, block));
    if (encrypted) streams.back()->encrypt(true);
  }
  return streams;
}

void measure(const Site& site, unsigned count, std::size_t block, bool encrypted, Rates& rates) {
  const auto streams = open_streams(site, count, block, encrypted);
  const std::uint64_t blocks = kBytes / block / count;
  const auto a_block = [&](double before) {
    return (site.processor_seconds() - before) * 1e6 / static_cast<double>(blocks * count);
  };
  double before = site.processor_seconds();
  rates.write.push_back(rate(streams, [blocks](Stream& stream) { stream.write(blocks); }));
  rates.write_time.push_back(a_block(before));
  before = site.processor_seconds();
  rates.read.push_back(rate(streams, [blocks](Stream& stream) { stream.read(blocks); }));
  rates.read_time.push_back(a_block(before));
  if (!encrypted) return;
  for (const auto& stream : streams) {
    stream->encrypt(false);
    stream->cannot_read();
  }
}

// The first round does not count.
double counted(std::vector<double> values) {
  values.erase(values.begin());
  return median(std::move(values));
}

class Comparison {
 public:
  Comparison() : ours_(Kind::kOurs, folder_ / "ours") {
    try {
      tgt_.emplace(Kind::kTgt, folder_ / "tgt");
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "without tgt as yardstick: %s\n", failure.what());
    }
  }

  // `goal`: whether the goals are of this row.
  Figures row(unsigned streams, std::size_t block, bool goal) {
    Rates clear, encrypted, tgt;
    for (unsigned i = 0; i <= kRounds; ++i) {
      measure(ours_, streams, block, false, clear);
      if (tgt_) measure(*tgt_, streams, block, false, tgt);
      measure(ours_, streams, block, true, encrypted);
    }
    Figures figures;
    for (const bool write : {true, false}) {
      const auto rates = write ? &Rates::write : &Rates::read;
      const auto times = write ? &Rates::write_time : &Rates::read_time;
      const auto name = std::string(write ? "iscsi-write-" : "iscsi-read-") + std::to_string(block >> 10) +
                        "k" + (streams == 1 ? "" : "-" + std::to_string(streams) + "-streams");
      const auto beside = [&](const std::vector<double>& values) {
        return tgt_ ? std::optional(counted(values)) : std::nullopt;
      };
      const auto least = goal && tgt_ ? std::optional(kGoal) : std::nullopt;
      figures.push_back({name, counted(clear.*rates), "MB/s", beside(tgt.*rates), least});
      figures.push_back({name + "-encrypted", counted(encrypted.*rates), "MB/s", beside(tgt.*rates), least});
      if (goal) figures.push_back({name + "-as-LTO-9", counted(encrypted.*rates), "MB/s", {}, kLtoRate});
      figures.push_back({name + "-cpu", counted(clear.*times), "us", beside(tgt.*times), {}, Better::kLower});
      figures.push_back(
          {name + "-encrypted-cpu", counted(encrypted.*times), "us", beside(tgt.*times), {}, Better::kLower});
    }
    return figures;
  }

 private:
  static constexpr double kGoal = 1.5;
  const Folder folder_;
  Site ours_;
  std::optional<Site> tgt_;
};

Figures with_streams(unsigned streams) {
  constexpr std::size_t kNative = 256U << 10;
  Comparison comparison;
  Figures all;
  for (const std::size_t block : {std::size_t{64U << 10}, kNative, std::size_t{1U << 20}})
    for (auto& figure : comparison.row(streams, block, streams == 1 && block == kNative))
      all.push_back(std::move(figure));
  return all;
}

const Registrar kOne("iscsi", "blocks through an iSCSI drive, ours and tgt's, clear and encrypted",
                     [] { return with_streams(1); });
const Registrar kTwo("iscsi-two-streams", "the same through two drives at once",
                     [] { return with_streams(2); });

}  // namespace
}  // namespace tapewarden::bench
