// What a host gets through an iSCSI drive: our target, and Debian's tgt with the same initiator (libiscsi),
// one command after another as Linux' tape driver sends them. Both servers are processes of their own with
// their cartridges on one disk. Blocks that do not compress; both drives as a host finds them.
//
// Written data are on the disk when a measurement ends: ours syncs at the filemark; tgt syncs after every
// block as it is shipped, so that it is also measured with its syncs turned off and its file synced once in
// the end. That harder one is the yardstick. What is read was written just before, and both read it from the
// page cache.
#include <fcntl.h>
#include <memory>
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

enum class Kind : std::uint8_t { kOurs, kTgt, kTgtUnsynced };

class Site {
 public:
  Site(Kind kind, const std::string& folder) : kind_(kind) {
    testing::LibrarySettings settings{
        .encrypting = kind == Kind::kOurs, .cartridge_mib = kCartridgeMib, .folder = folder};
    if (kind == Kind::kTgtUnsynced) settings.tgt_preload = TW_NO_SYNC;
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
  Kind kind_;
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
  std::size_t block() const { return data_.size(); }

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
  std::vector<double> write;
  std::vector<double> read;
};

void measure(const Site& site, unsigned streams_wanted, std::size_t block, bool encrypted, Rates& rates) {
  Streams streams;
  for (unsigned i = 0; i < streams_wanted; ++i) {
    streams.push_back(std::make_unique<Stream>(site, i, block));
    if (encrypted) streams.back()->encrypt(true);
  }
  const std::uint64_t blocks = kBytes / block / streams_wanted;
  rates.write.push_back(rate(streams, [blocks](Stream& stream) { stream.write(blocks); }));
  rates.read.push_back(rate(streams, [blocks](Stream& stream) { stream.read(blocks); }));
  if (encrypted)
    for (const auto& stream : streams) stream->encrypt(false);
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
      unsynced_.emplace(Kind::kTgtUnsynced, folder_ / "tgt-unsynced");
      shipped_.emplace(Kind::kTgt, folder_ / "tgt");
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "without tgt as yardstick: %s\n", failure.what());
    }
  }

  // `goal`: whether the goals are of this row.
  void row(unsigned streams, std::size_t block, bool goal, Figures& figures) {
    Rates clear, encrypted, unsynced, shipped;
    for (unsigned i = 0; i <= kRounds; ++i) {
      measure(ours_, streams, block, false, clear);
      if (unsynced_) measure(*unsynced_, streams, block, false, unsynced);
      measure(ours_, streams, block, true, encrypted);
      if (shipped_) measure(*shipped_, streams, block, false, shipped);
    }
    for (const auto& [verb, member] : {std::pair{"write", &Rates::write}, std::pair{"read", &Rates::read}}) {
      const auto name = std::string("iscsi-") + verb + "-" + std::to_string(block >> 10) + "k" +
                        (streams == 1 ? "" : "-" + std::to_string(streams) + "-streams");
      std::optional<double> yardstick, as_shipped, least;
      if (unsynced_) yardstick = counted(unsynced.*member);
      if (shipped_) as_shipped = counted(shipped.*member);
      if (goal && yardstick) least = kGoal;
      figures.push_back({name, counted(clear.*member), "MB/s", yardstick, least});
      figures.push_back({name + "-encrypted", counted(encrypted.*member), "MB/s", yardstick, least});
      figures.push_back({name + "-tgt-as-shipped", counted(clear.*member), "MB/s", as_shipped, {}});
      if (goal)
        figures.push_back({name + "-encrypted-alone", counted(encrypted.*member), "MB/s", {}, kLtoRate});
    }
  }

 private:
  static constexpr double kGoal = 1.5;
  const Folder folder_;
  Site ours_;
  std::optional<Site> unsynced_;
  std::optional<Site> shipped_;
};

Figures iscsi() {
  Comparison comparison;
  Figures figures;
  constexpr std::size_t kNative = 256U << 10;
  for (const unsigned streams : {1U, 2U})
    for (const std::size_t block : {std::size_t{64U << 10}, kNative, std::size_t{1U << 20}})
      comparison.row(streams, block, streams == 1 && block == kNative, figures);
  return figures;
}

const Registrar kIscsi("iscsi", "blocks through an iSCSI drive, ours and tgt's; clear and encrypted", iscsi);

}  // namespace
}  // namespace tapewarden::bench
