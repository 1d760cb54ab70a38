#include "model_world.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::uint64_t kCartridgeBytes = 12U << 20;
constexpr std::uint64_t kEarlyWarningBytes = 512U << 10;
constexpr std::uint64_t kVolumeBytes = 400U << 20;
constexpr std::size_t kSeedBytes = 8;
constexpr std::size_t kBlockLimit = 1U << 20;

WorkBenchOptions model_options() {
  WorkBenchOptions options;
  options.capacity = kCartridgeBytes;
  options.early_warning = kEarlyWarningBytes;
  // Room for the growth of two mounted volumes, and little more: so there is eviction.
  options.cache = {.bytes = 2 * most_file_bytes(kVolumeBytes) + (6U << 20), .margin_bytes = 1U << 20};
  return options;
}

const std::shared_ptr<const tape::DriveIdentity>& host_identity(std::size_t index) {
  static const std::vector<std::shared_ptr<const tape::DriveIdentity>> identities = {
      tape::test::Site::get().identity(tape::MediumKind::kLto, "2000000001"),
      tape::test::Site::get().identity(tape::MediumKind::kLto, "2000000002")};
  return identities.at(index);
}

std::unexpected<Error> failed(const tape::TapeError& error) {
  return fail(ErrorCode::kIo, error.text());
}

}  // namespace

Bytes block_of(const HostObject& object) {
  Bytes bytes(object.bytes);
  std::uint64_t state = object.seed * 0x9e3779b97f4a7c15ULL + 1;
  for (auto& byte : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<std::uint8_t>(state >> 56U);
  }
  for (std::size_t i = 0; i < kSeedBytes; ++i)
    bytes[i] = static_cast<std::uint8_t>(object.seed >> (8 * (kSeedBytes - 1 - i)));
  return bytes;
}

std::string text_of(const HostTape& tape) {
  std::string text;
  for (const auto& object : tape)
    text += object.bytes == 0 ? "| " : std::to_string(object.seed) + ":" + std::to_string(object.bytes) + " ";
  return text;
}

Result<HostDrive::State> HostDrive::state() {
  constexpr int kAttentions = 10;
  for (int i = 0; i < kAttentions; ++i) {
    const auto ready = drive_.test_ready();
    if (ready) return State::kReady;
    const auto code = ready.error().sense.code;
    if (code.key == scsi::SenseKey::kUnitAttention) continue;
    if (code == codes::kNotReadyLoading) return State::kBecomingReady;
    if (code == codes::kMediumNotPresent) return State::kEmpty;
    return failed(ready.error());
  }
  return fail(ErrorCode::kIo, "unit attentions without an end");
}

Status HostDrive::write(const HostTape& objects, bool append, std::size_t& written) {
  written = 0;
  const auto placed = append ? drive_.to_end_of_data() : drive_.rewind();
  if (!placed) return failed(placed.error());
  for (const auto& object : objects) {
    const auto put = object.bytes == 0 ? drive_.write_filemarks(1) : drive_.write_block(block_of(object));
    if (!put) return failed(put.error());
    ++written;
  }
  return {};
}

Result<HostTape> HostDrive::read() {
  if (const auto rewound = drive_.rewind(); !rewound) return failed(rewound.error());
  HostTape tape;
  while (true) {
    const auto outcome = drive_.read_block(kBlockLimit);
    if (!outcome) return failed(outcome.error());
    if (outcome->kind == tape::ReadOutcome::Kind::kEndOfData) return tape;
    HostObject object;
    if (outcome->kind == tape::ReadOutcome::Kind::kBlock) {
      object.bytes = outcome->data.size();
      for (std::size_t i = 0; i < kSeedBytes && i < object.bytes; ++i)
        object.seed = object.seed << 8U | outcome->data[i];
      if (object.bytes < kSeedBytes || outcome->data != block_of(object))
        return fail(ErrorCode::kCorrupt, "object " + std::to_string(tape.size()) + " is no block of a host");
    }
    tape.push_back(object);
  }
}

std::string ModelWorld::volser(unsigned index) {
  return "V" + std::to_string(10'001 + index);
}
std::uint16_t ModelWorld::slot_of(unsigned index) {
  return static_cast<std::uint16_t>(tape::test::kSlot + index);
}
std::uint16_t ModelWorld::element_of(std::size_t drive) {
  return static_cast<std::uint16_t>(tape::test::kDrive + drive);
}

ModelWorld::ModelWorld(std::uint64_t seed) : WorkBench(model_options()) {
  back.sim.random = tapewarden::testing::SimRandom(seed);
  back.set_options({.reserve_bytes = 64U << 10});
  for (const auto* barcode : {"A00003L9", "A00004L9"}) add_scratch(barcode);
  done(back.robot->act([](tape::LibraryFolder& folder) -> Status {
    BackEnd::add(folder, "A00005L9-A00006L9", tape::MediumKind::kLto, kCartridgeBytes, kEarlyWarningBytes);
    return {};
  }));
  done(back.library->refresh());
  for (const auto* barcode : {"A00005L9", "A00006L9"}) add_scratch(barcode);
  start_work();

  host_spec_ = tape::test::small_spec(kVolumes);
  host_spec_.folder = "host-library";
  host_spec_.kept = true;
  host_spec_.drives = {{.serial = "2000000001"}, {.serial = "2000000002"}};
  host_spec_.layout.data_transfer.count = kHostDrives;
  (void)take(tape::LibraryFolder::create(env(), host_spec_));
  std::vector<tape::NewKeptCartridge> shelf;
  done(catalogue->change([&](CatalogueChange& change) -> Status {
    shelf.clear();
    for (unsigned i = 0; i < kVolumes; ++i) {
      LogicalVolume volume;
      volume.volser = volser(i);
      volume.volume = uuid_of(static_cast<std::uint8_t>(100 + i));
      volume.capacity_bytes = kVolumeBytes;
      volume.inserted = volume.scratched = change.now();
      volume.preference = static_cast<std::uint8_t>(i % 2);
      TRY(change.put(volume));
      shelf.push_back({.barcode = volume.volser, .volume = volume.volume, .slot = i});
    }
    return {};
  }));
  {
    auto folder = take(tape::LibraryFolder::open(env(), host_spec_));
    done(tape::put_kept_cartridges(*folder, shelf));
  }
  start_hosts();
}

void ModelWorld::start_hosts() {
  HostOptions host_options;
  host_options.blank = [](const std::string&) {
    tape::CartridgeSpec spec;
    spec.compression_level = 0;
    return spec;
  };
  hosts = std::make_unique<HostVolumes>(env(), *catalogue, *cached, *desk, *notices, host_options);
  auto folder = take(tape::LibraryFolder::open(env(), host_spec_));
  std::map<std::string, std::string> in_drives;
  for (const auto& [barcode, holding] : folder->inventory().cartridges())
    if (holding.place.kind == tape::PlaceKind::kDrive) in_drives[barcode] = holding.place.drive;
  const auto found = take(hosts->reconcile(in_drives));
  EXPECT_EQ(found.faults, std::vector<std::string>());
  std::vector<std::shared_ptr<tape::DriveBay>> bays;
  for (std::size_t i = 0; i < kHostDrives; ++i)
    bays.push_back(std::make_shared<tape::DriveBay>(
        std::make_unique<tape::Drive>(cached->env(), host_identity(i), tape::DriveOptions{}, nullptr)));
  notes.clear();
  host_library = take(tape::Library::open(
      std::move(folder), bays, [this](const std::string& text) { notes.push_back(text); }, hosts.get()));
  for (std::size_t i = 0; i < kHostDrives; ++i)
    host_drives.push_back(std::make_unique<HostDrive>(*bays[i], 100 + i));
}

void ModelWorld::stop_hosts() {
  host_drives.clear();
  host_library.reset();
  hosts.reset();
}

void ModelWorld::crash() {
  stop_hosts();
  lose_power();
  start_hosts();
}

}  // namespace tapewarden::engine::test
