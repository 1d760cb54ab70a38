#include "model_world.h"

#include "apps/rebuilt_inventory.h"
#include "engine/operator/cartridge_orders.h"
#include "engine/operator/migration_parts.h"
#include "engine/operator/volume_orders.h"
#include "engine/rebuild/file_catalogue_backup.h"
#include "tape/library/barcode.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::uint64_t kCartridgeBytes = 12U << 20;
constexpr std::uint64_t kEarlyWarningBytes = 512U << 10;
constexpr std::uint64_t kVolumeBytes = 400U << 20;
constexpr std::uint64_t kReserveBytes = 64U << 10;
constexpr std::uint16_t kBackSlots = 16;
constexpr std::uint16_t kSpareHostSlots = 4;
const std::string kRebuildFolder = "rebuild";

WorkBenchOptions model_options() {
  WorkBenchOptions options;
  options.capacity = kCartridgeBytes;
  options.early_warning = kEarlyWarningBytes;
  // Room for the growth of two mounted volumes, and little more: so there is eviction.
  options.cache = {.bytes = 2 * most_file_bytes(kVolumeBytes) + (6U << 20), .margin_bytes = 1U << 20};
  options.slots = kBackSlots;
  options.make_backup = [](Env env, Catalogue& catalogue) {
    return std::make_unique<FileCatalogueBackup>(env, catalogue, uuid_of(7), "backups");
  };
  return options;
}

const std::shared_ptr<const tape::DriveIdentity>& host_identity(std::size_t index) {
  static const std::vector<std::shared_ptr<const tape::DriveIdentity>> identities = {
      tape::test::Site::get().identity(tape::MediumKind::kLto, "2000000001"),
      tape::test::Site::get().identity(tape::MediumKind::kLto, "2000000002")};
  return identities.at(index);
}

tape::LibrarySpec host_library_spec() {
  auto spec = tape::test::small_spec(ModelWorld::kVolumes + kSpareHostSlots);
  spec.folder = "host-library";
  spec.kept = true;
  spec.drives = {{.serial = "2000000001"}, {.serial = "2000000002"}};
  spec.layout.data_transfer.count = ModelWorld::kHostDrives;
  return spec;
}

}  // namespace

Result<BackEndCartridge> WorkedBackEnd::find(const std::string& barcode) {
  if (!library_.find(barcode)) TRY(library_.refresh());
  const auto placed = library_.find(barcode);
  if (!placed) return fail(ErrorCode::kNotFound, "no library has " + barcode, "barcodes");
  const auto kind = barcode.starts_with("J") ? MediumKind::k3592 : MediumKind::kLto;
  return BackEndCartridge{.library = library_.name(), .kind = kind, .place = std::to_string(placed->element)};
}

Result<std::shared_ptr<void>> WorkedBackEnd::hold(const std::string& barcode) {
  auto claim = work_.claim_cartridge(barcode);
  if (!claim) return fail(ErrorCode::kConflict, "work with " + barcode + " is under way", "barcode");
  return std::make_shared<Claims::Claim>(*std::move(claim));
}

Result<std::string> WorkedBackEnd::hand_out(const std::string& barcode) {
  return std::to_string(TRY(library_.hand_out(barcode)));
}

Result<std::string> WorkedBackEnd::take_away(const std::string& barcode) {
  return fail(ErrorCode::kUnsupported, "people take " + barcode + " out of the library's slot");
}

Result<std::string> WorkedBackEnd::bring_back(const std::string& barcode) {
  return fail(ErrorCode::kUnsupported, "people put " + barcode + " into the library's slot");
}

std::string ModelWorld::volser(unsigned index) {
  return "V" + std::to_string(10'001 + index);
}
std::uint16_t ModelWorld::element_of(std::size_t drive) {
  return static_cast<std::uint16_t>(tape::test::kDrive + drive);
}

const std::vector<std::string>& ModelWorld::barcodes() {
  static const std::vector<std::string> kAll = [] {
    auto all = take(tape::barcode_range("A00001L9-A00008L9"));
    for (auto& one : take(tape::barcode_range("J00001-J00004"))) all.push_back(std::move(one));
    return all;
  }();
  return kAll;
}

ModelWorld::ModelWorld(std::uint64_t seed) : WorkBench(model_options()) {
  back.sim.random = tapewarden::testing::SimRandom(seed);
  back.on_seal = [this](const Hash256& key, const crypto::GcmIv& iv) { seals.note_record(key, iv); };
  back.set_options({.reserve_bytes = kReserveBytes});
  names.known = {kKeyGroups.begin(), kKeyGroups.end()};
  names.known.insert(kKekLabels.begin(), kKekLabels.end());
  done(back.robot->act([](tape::LibraryFolder& folder) -> Status {
    BackEnd::add(folder, "A00005L9-A00008L9", tape::MediumKind::kLto, kCartridgeBytes, kEarlyWarningBytes);
    BackEnd::add(folder, "J00003-J00004", tape::MediumKind::k3592, kCartridgeBytes, kEarlyWarningBytes);
    return {};
  }));
  done(back.library->refresh());
  start_work();
  host_spec_ = host_library_spec();
  (void)take(tape::LibraryFolder::create(env(), host_spec_));
  start_hosts();
  (void)take(insert_cartridges(parts(), barcodes(), kCommonPool));
  for (const std::uint8_t preference : {std::uint8_t{0}, std::uint8_t{1}}) {
    NewVolumes wanted;
    wanted.size_mib = kVolumeBytes >> 20U;
    wanted.preference = preference;
    for (unsigned i = preference; i < kVolumes; i += 2) wanted.volsers.push_back(volser(i));
    (void)take(insert_volumes(parts(), wanted));
  }
}

ModelWorld::~ModelWorld() {
  stop_hosts();
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
  shelf_ = std::make_unique<apps::LibraryShelf>(*host_library);
  back_end_ = std::make_unique<WorkedBackEnd>(*back.library, *work);
  cache_files_ = std::make_unique<FilesOfCache>(*cached);
  recalls = std::make_unique<RecallOrders>(back.sim.clock, *desk);
}

void ModelWorld::stop_hosts() {
  recalls.reset();
  cache_files_.reset();
  back_end_.reset();
  shelf_.reset();
  host_drives.clear();
  host_library.reset();
  hosts.reset();
}

void ModelWorld::crash() {
  seals.look_at_cache(back.sim.disk, "cache");
  stop_hosts();
  lose_power();
  start_hosts();
}

std::vector<RebuildStation> ModelWorld::rebuild_stations() {
  std::vector<RebuildStation> stations;
  for (std::size_t i = 0; i < back.stations.size(); ++i)
    stations.push_back({back.library.get(), back.stations[i].get(),
                        i == BackEnd::k3592Drive ? MediumKind::k3592 : MediumKind::kLto});
  return stations;
}

// As `tapewarden catalogue rebuild` does it.
Result<RebuildReport> ModelWorld::lose_catalogue() {
  seals.look_at_cache(back.sim.disk, "cache");
  stop_hosts();
  stop();
  catalogue_name = "catalogue-" + std::to_string(++catalogues_) + ".db";
  RebuildReport report;
  {
    const auto rebuild = TRY(Rebuild::begin(
        back.sim.env(), rebuild_stations(),
        {.folder = kRebuildFolder, .engine = uuid_of(7), .default_capacity_bytes = kVolumeBytes}));
    TRY(rebuild->examine_all());
    const auto fresh = TRY(Catalogue::open(env(), {directory.file(catalogue_name), uuid_of(7)},
                                           store::first_version(crypto::SecretBytes::copy_of(Bytes(32, 7)))));
    report = TRY(rebuild->finish(*fresh, uuid_of(7)));
    const auto folder = TRY(tape::LibraryFolder::open(env(), host_spec_));
    (void)TRY(apps::settle_inventory(*folder, *fresh, tape::MediumKind::kLto));
    TRY(rebuild->discard());
  }
  for (const auto& name : TRY(back.sim.disk.list("cache"))) TRY(back.sim.disk.remove("cache/" + name));
  start();
  start_hosts();
  return report;
}

bool ModelWorld::to_drive(unsigned index, std::size_t drive) {
  std::optional<std::uint32_t> slot;
  host_library->look([&](const tape::LibraryFolder& folder) {
    const auto* holding = folder.inventory().find(volser(index));
    if (holding != nullptr && holding->place.kind == tape::PlaceKind::kSlot) slot = holding->place.index;
  });
  if (!slot) return false;
  return host_library->move(static_cast<std::uint16_t>(tape::test::kSlot + *slot), element_of(drive))
      .has_value();
}

std::uint32_t ModelWorld::free_slot(const tape::Library& library) {
  std::set<std::uint32_t> taken;
  library.look([&](const tape::LibraryFolder& folder) {
    for (const auto& [barcode, holding] : folder.inventory().cartridges())
      if (holding.place.kind == tape::PlaceKind::kSlot) taken.insert(holding.place.index);
  });
  std::uint32_t slot = 0;
  while (taken.contains(slot)) ++slot;
  return tape::test::kSlot + slot;
}

bool ModelWorld::from_drive(std::size_t drive) {
  return host_library->move(element_of(drive), static_cast<std::uint16_t>(free_slot(*host_library)))
      .has_value();
}

void ModelWorld::empty_ports() {
  const auto placed = back.library->inventory();
  for (const auto& one : placed) {
    if (one.type != scsi::ElementType::kImportExport) continue;
    const auto known = catalogue->cartridge(one.barcode);
    if (!known || known->state == CartridgeState::kEjected || known->state == CartridgeState::kExported)
      continue;
    EXPECT_TRUE(back.robot->move(one.element, static_cast<std::uint16_t>(free_slot(*back.robot))));
  }
  done(back.library->refresh());
}

tape::PlaceKind ModelWorld::place_of(const std::string& barcode) {
  auto kind = tape::PlaceKind::kOutside;
  back.robot->look([&](const tape::LibraryFolder& folder) {
    if (const auto* holding = folder.inventory().find(barcode)) kind = holding->place.kind;
  });
  return kind;
}

Status ModelWorld::carry_out(const std::string& barcode) {
  TRY(back.robot->act([&](tape::LibraryFolder& folder) { return tape::export_cartridge(folder, barcode); }));
  return back.library->refresh();
}

Status ModelWorld::carry_in(const std::string& barcode) {
  TRY(back.robot->act([&](tape::LibraryFolder& folder) -> Status {
    (void)TRY(tape::import_cartridge(folder, barcode));
    return {};
  }));
  return back.library->refresh();
}

OperatorParts ModelWorld::parts() {
  names.reachable = !back.keys.away;
  return {.env = env(),
          .catalogue = *catalogue,
          .desk = *desk,
          .notices = *notices,
          .names = names,
          .shelf = *shelf_,
          .back_end = *back_end_,
          .cache = *cache_files_,
          .wake = [this] { work->try_again(); },
          .shred = [this](const CachedContent& content) { (void)opened.cache->shred(content); }};
}

PoolMigrations ModelWorld::migrations() {
  return PoolMigrations(migration_parts(parts(), {}));
}

Pool ModelWorld::pool(std::uint8_t number) {
  Pool pool;
  done(catalogue->read([&](CatalogueView& view) -> Status {
    pool = TRY(view.pool(number));
    return {};
  }));
  return pool;
}

}  // namespace tapewarden::engine::test
