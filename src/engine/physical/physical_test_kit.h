// A virtual library as the engine's back end, for tests of this folder and of the engine: two LTO drives and
// a 3592 drive whose keys the engine brings, a made-up key server, and a way to put faults between. Not part
// of the library.
#pragma once

#include <functional>

#include "base/text.h"
#include "engine/physical/tape_station.h"
#include "engine/stack/stack_test_kit.h"
#include "tape/device/fake_key_server.h"
#include "tape/library/library_test_kit.h"

namespace tapewarden::engine::test {

using tape::test::kDrive;
using tape::test::kSlot;
namespace codes = scsi::sense_codes;

// Commands pass unless `meet` answers them.
class FaultyTransport final : public tape::Transport {
 public:
  explicit FaultyTransport(scsi::LogicalUnit& unit) : inner_(unit, scsi::NexusId{70}) {}
  Result<tape::TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t limit,
                                        std::chrono::milliseconds timeout) override {
    if (meet)
      if (auto answer = meet(cdb)) return *std::move(answer);
    return inner_.execute(cdb, data_out, limit, timeout);
  }
  bool on_local_bus() const override { return true; }
  std::function<std::optional<Result<tape::TransportAnswer>>(ByteView cdb)> meet;

 private:
  tape::InProcessTransport inner_;
};

inline std::optional<Result<tape::TransportAnswer>> sense_answer(scsi::SenseCode code) {
  return tape::TransportAnswer{scsi::ScsiStatus::kCheckCondition, {.code = code}, {}};
}
inline bool is_command(ByteView cdb, scsi::Opcode opcode) {
  return cdb[0] == static_cast<std::uint8_t>(opcode);
}

// Answers every `opcode` from the `number`-th on (from 0) with the sense.
inline auto fail_from(scsi::Opcode opcode, unsigned number, scsi::SenseCode code) {
  return [=, seen = 0U](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
    if (!is_command(cdb, opcode) || seen++ < number) return std::nullopt;
    return sense_answer(code);
  };
}

class FakeDriveKeys final : public DriveKeys {
 public:
  Result<KeyNames> serve(tape::TapeDrive& drive) override {
    ++served;
    const auto asked = drive.key_request();
    if (!asked) return std::unexpected(asked.error().error());
    const auto& page = *asked;
    intents.push_back(page.intent);
    if (away) {
      EXPECT_TRUE(drive.send_refusal({page.request, scsi::KeyRefusal::kUnreachable, 0}));
      return fail(ErrorCode::kUnavailable, "no key server answers", "key servers", "start one");
    }
    const auto serial = drive.serial_number();
    if (auto refused = refuse && serial ? refuse(std::string(trim(*serial)), page) : std::nullopt) {
      EXPECT_TRUE(drive.send_refusal(
          {page.request, scsi::KeyRefusal::kNotAuthorized, static_cast<std::uint16_t>(refused->detail)}));
      return std::unexpected(*std::move(refused));
    }
    if (const auto sent = drive.send_challenge(server.challenge(page.request)); !sent)
      return std::unexpected(sent.error().error());
    const auto message = drive.signed_request();
    if (!message) return std::unexpected(message.error().error());
    const bool rekeys = page.intent == scsi::KeyIntent::kRekey;
    const bool refused = std::exchange(server.refuse, server.refuse || (rekeys && refuse_rekey));
    const auto taken = drive.send_answer({page.request, server.answer(page, message->message)});
    server.refuse = refused;
    if (!taken) return fail(ErrorCode::kPermissionDenied, "the drive does not take the answer");
    if (rekeys) ++rekeyed;
    policies.push_back(page.policy);
    return KeyNames{.server = "primary", .alias = "KEY000000001"};
  }
  Status confirm(tape::TapeDrive& drive, std::chrono::milliseconds) override {
    if (away) return fail(ErrorCode::kUnavailable, "no key server answers");
    while (true) {
      const auto status = drive.key_path_status().value();
      if (!status.confirm_due) return {};
      EXPECT_TRUE(drive.send_challenge(server.challenge(status.confirm_request, true)));
      const auto message = drive.signed_request().value().message;
      EXPECT_TRUE(drive.send_answer({status.confirm_request, server.confirmation(message)}));
    }
  }
  tape::test::FakeServer server;
  bool away = false;
  // What the key servers say to this drive's request instead of giving a key.
  std::function<std::optional<Error>(const std::string& serial, const scsi::KeyRequestPage&)> refuse;
  bool refuse_rekey = false;  // keys are given, new EEDKs are not
  unsigned served = 0;
  unsigned rekeyed = 0;
  std::vector<scsi::KeyIntent> intents;
  std::vector<scsi::WritePolicyPage> policies;
};

// The virtual library with the engine's view of it.
struct BackEnd {
  static constexpr std::size_t kLtoDrive = 0;
  static constexpr std::size_t kOtherLtoDrive = 1;
  static constexpr std::size_t k3592Drive = 2;

  tapewarden::testing::SimEnv sim{23};
  tape::test::FakeExchange exchange;
  tape::LibrarySpec spec = tape::test::small_spec();
  FakeDriveKeys keys;
  StationOptions options;
  tape::SealObserver on_seal;  // of every drive; may be empty
  std::unique_ptr<tape::Library> robot;
  std::unique_ptr<tape::Changer> changer;
  std::unique_ptr<FaultyTransport> to_changer;
  std::vector<std::unique_ptr<FaultyTransport>> to_drives;
  std::unique_ptr<PhysicalLibrary> library;
  std::vector<std::unique_ptr<PhysicalDrive>> drives;
  std::vector<std::unique_ptr<TapeStation>> stations;

  explicit BackEnd(tape::KeyManagement management = tape::KeyManagement::kSystem,
                   std::uint64_t capacity = 64U << 20, std::uint64_t early_warning = 0,
                   bool drives_encrypt_by_default = false, std::uint16_t slots = 8) {
    spec.layout.storage.count = slots;
    EXPECT_TRUE(tape::LibraryFolder::create(sim.env(), spec));
    {
      auto folder = take(tape::LibraryFolder::open(sim.env(), spec));
      add(*folder, "A00001L9-A00004L9", tape::MediumKind::kLto, capacity, early_warning);
      add(*folder, "J00001-J00002", tape::MediumKind::k3592, capacity, early_warning);
    }
    options.pause = [this](std::chrono::milliseconds time) { sim.clock.advance(time); };
    start(management, drives_encrypt_by_default);
  }
  static void add(tape::LibraryFolder& folder, const std::string& range, tape::MediumKind kind,
                  std::uint64_t capacity, std::uint64_t early_warning) {
    auto cartridge = tape::test::small_cartridge(kind);
    cartridge.capacity_bytes = capacity;
    cartridge.early_warning_bytes = early_warning;
    cartridge.compression_level = 0;
    (void)take(tape::add_cartridges(
        folder, {.barcodes = take(tape::barcode_range(range)), .spec = std::move(cartridge)}));
  }
  void start(tape::KeyManagement management, bool drives_encrypt_by_default) {
    const tape::DriveOptions drive_options{
        .management = management,
        .default_policy = {.encrypt = drives_encrypt_by_default},
        .seal_observer = [this](const Hash256& key, const crypto::GcmIv& iv) {
          if (on_seal) on_seal(key, iv);
        }};
    std::vector<std::shared_ptr<tape::DriveBay>> bays;
    for (std::size_t i = 0; i < spec.drives.size(); ++i)
      bays.push_back(std::make_shared<tape::DriveBay>(
          std::make_unique<tape::Drive>(sim.env(), tape::test::identity_of(i), drive_options, &exchange)));
    robot = take(tape::Library::open(take(tape::LibraryFolder::open(sim.env(), spec)), bays));
    changer = std::make_unique<tape::Changer>(*robot, tape::ChangerOptions{.serial = "TWL0000001"});
    to_changer = std::make_unique<FaultyTransport>(*changer);
    std::vector<LibraryDrivePort> ports;
    for (const auto& bay : bays) {
      to_drives.push_back(std::make_unique<FaultyTransport>(*bay));
      drives.push_back(std::make_unique<PhysicalDrive>(bay->serial(), *to_drives.back()));
      ports.push_back({.serial = bay->serial()});
    }
    library = std::make_unique<PhysicalLibrary>("LIB1", *to_changer, std::move(ports));
    done(library->open());
    for (const auto& drive : drives) {
      done(drive->probe());
      stations.push_back(std::make_unique<TapeStation>(*library, *drive, keys, sim.clock, options));
    }
  }
  // With other options than it started with.
  void set_options(StationOptions changed) {
    changed.pause = options.pause;
    options = std::move(changed);
    for (std::size_t i = 0; i < stations.size(); ++i)
      stations[i] = std::make_unique<TapeStation>(*library, *drives[i], keys, sim.clock, options);
  }
  TapeStation& lto() { return *stations[kLtoDrive]; }
  TapeStation& enterprise() { return *stations[k3592Drive]; }
  MountTrace trace() { return MountTrace(sim.clock); }
  // What lies in the cartridge's file.
  std::string_view file_of(const std::string& barcode) {
    return as_text(sim.disk.content("library/cartridges/" + barcode + ".twc"));
  }
  // Nothing is in the drive, and every cartridge is in a slot.
  void expect_put_away(std::size_t drive) {
    EXPECT_FALSE(robot->bays()[drive]->holds_cartridge());
    EXPECT_EQ(drives[drive]->status().barcode, "");
    for (const auto& placed : library->inventory())
      EXPECT_EQ(placed.type, scsi::ElementType::kStorage) << placed.barcode;
  }
};

inline CartridgeLabel label_of(const std::string& barcode, std::uint64_t medium = 1) {
  return {.engine = uuid_of(7), .barcode = barcode, .medium = medium, .pool = 1};
}
inline CartridgeWanted wanted_of(const std::string& barcode, TapeEncryption encryption,
                                 std::uint64_t medium = 1) {
  return {.barcode = barcode, .engine = uuid_of(7), .medium = medium, .encryption = encryption};
}
inline TapeWritePolicy policy_of(TapeEncryption encryption) {
  TapeWritePolicy policy{.encryption = encryption};
  if (encryption == TapeEncryption::kWrapped)
    policy.labels = {{"June 2026 key", scsi::LabelModeCode::kClear},
                     {"DR site key", scsi::LabelModeCode::kHash}};
  if (encryption == TapeEncryption::kIdentified) policy.alias_or_group = "POOL1";
  return policy;
}

// A volume whose name and content go by the seed, marked so that clear text can be found.
inline Bytes volume_content(std::size_t size, std::uint8_t seed = 1) {
  auto bytes = content(size, seed);
  copy_bytes(bytes, as_bytes("plaintext-of-the-volume"));
  return bytes;
}

inline std::optional<WrittenImage> write_volume(MountedCartridge& cartridge, const Bytes& data,
                                                ImageKind kind = ImageKind::kLogicalVolume) {
  auto header = sample_header(data.size());
  header.identity.kind = kind;
  if (take(cartridge.begin_image(header)) == ImageFit::kCartridgeFull ||
      take(cartridge.append(data)) == ImageFit::kCartridgeFull) {
    cartridge.abandon_image();
    return {};
  }
  auto written = take(cartridge.finish_image({}));
  if (!written) cartridge.abandon_image();
  return written;
}

inline Bytes read_volume(MountedCartridge& cartridge, std::uint32_t file) {
  (void)take(cartridge.open_image(file));
  Bytes all;
  while (auto piece = take(cartridge.read_image())) all.insert(all.end(), piece->begin(), piece->end());
  return all;
}

// "1 engine>library LIB1" and so on, without the texts.
inline std::vector<std::string> steps_of(const MountTrace& trace) {
  std::vector<std::string> steps;
  for (const auto& step : trace.steps()) steps.push_back(step.step + " " + step.from + ">" + step.to);
  return steps;
}

}  // namespace tapewarden::engine::test
