#include "apps/engine_operator.h"

#include "apps/engine_drives.h"
#include "apps/log.h"
#include "engine/operator/migration_pace.h"
#include "engine/operator/migration_parts.h"

namespace tapewarden::apps {
namespace {

// Migrations of pools are gone on with soon after the start, and without waiting where an operator begins
// one.
constexpr std::chrono::seconds kFirstPause{1};

std::string place_text(const engine::PlacedCartridge& placed) {
  const auto element = "element " + std::to_string(placed.element);
  if (!placed.drive.empty()) return "drive " + placed.drive;
  if (placed.type == scsi::ElementType::kDataTransfer) return "drive, " + element;
  return (placed.type == scsi::ElementType::kImportExport ? "import/export slot, " : "slot, ") + element;
}

std::unexpected<Error> nowhere(const std::string& barcode) {
  return fail(ErrorCode::kNotFound, "no library behind the engine has the cartridge " + barcode, "barcode",
              "put it into a library; its label must be readable");
}

// The mounts that are remembered, the newest first.
std::vector<admin::MountRecord> traces_of(const engine::TraceBook& book, const std::string& name) {
  auto traces = book.of_volume(name);
  if (traces.empty()) traces = book.of_cartridge(name);
  std::vector<admin::MountRecord> records;
  for (const auto& trace : traces)
    records.push_back({.cartridge = trace->barcode,
                       .drive = trace->drive,
                       .purpose = trace->purpose,
                       .fault = trace->fault,
                       .steps = trace->steps});
  return records;
}

// As many drives as there are; how fast they are is assumed.
engine::TransferRates rates_of(const engine::Work& work) {
  return {.drives = static_cast<std::uint32_t>(work.drives().drives().size())};
}

}  // namespace

Result<WorkingBackEnd::Found> WorkingBackEnd::look(const std::string& barcode) {
  std::optional<Found> found;
  for (const bool again : {false, true}) {
    for (auto* library : libraries_.libraries()) {
      if (again && !library->find(barcode)) (void)library->refresh();  // where it fails, it is not there
      const auto placed = library->find(barcode);
      if (!placed) continue;
      if (found || library->twice(barcode))
        return fail(ErrorCode::kConflict, "two cartridges bear the barcode " + barcode, "barcode",
                    "take the wrong one out of the library");
      found = Found{library, *placed};
    }
    if (found) return *found;
  }
  return nowhere(barcode);
}

Result<engine::BackEndCartridge> WorkingBackEnd::find(const std::string& barcode) {
  const auto found = TRY(look(barcode));
  return engine::BackEndCartridge{.library = found.library->name(),
                                  .kind = libraries_.kind_of(found.library->name(), barcode),
                                  .place = place_text(found.placed)};
}

Result<std::shared_ptr<void>> WorkingBackEnd::hold(const std::string& barcode) {
  auto claim = work_.claim_cartridge(barcode);
  if (!claim)
    return fail(ErrorCode::kConflict, "work with cartridge " + barcode + " is under way", "barcode",
                "try again when it is back in its slot");
  return std::make_shared<engine::Claims::Claim>(*std::move(claim));
}

Result<std::string> WorkingBackEnd::hand_out(const std::string& barcode) {
  const auto found = TRY(look(barcode));
  const auto element = TRY(found.library->hand_out(barcode));
  return "import/export slot of library " + found.library->name() + ", element " + std::to_string(element);
}

EngineOperator::EngineOperator(Env env, TapedEngine& engine, tape::Library& library)
    : shelf_(library),
      back_end_(engine.back_end(), engine.work()),
      cache_(engine.cached()),
      recalls_(*env.clock, engine.desk()) {
  engine::OperatorParts parts{.env = env,
                              .catalogue = engine.catalogue(),
                              .desk = engine.desk(),
                              .notices = engine.notices(),
                              .names = engine.names(),
                              .shelf = shelf_,
                              .back_end = back_end_,
                              .cache = cache_};
  parts.wake = [&work = engine.work()] { work.try_again(); };
  parts.meter = &engine.statistics();
  parts.shred = [&engine](const engine::CachedContent& content) { engine.shred(content); };
  const auto inhibited = [&work = engine.work(), clock = env.clock] {
    return work.reclaim_schedule().inhibits(clock->wall_now());
  };
  migrations_ = std::make_unique<engine::PoolMigrations>(engine::migration_parts(parts, inhibited));
  upkeep_ = std::make_unique<Ticker>(kFirstPause, engine::kShortestMigrationPause,
                                     [this, clock = env.clock, pace = engine::MigrationPace()]() mutable {
                                       const auto begun = clock->steady_now();
                                       if (!pace.due(begun)) return;
                                       const auto done = migrations_->advance();
                                       pace.passed(begun, clock->steady_now());
                                       if (!done)
                                         log(LogLevel::kWarning,
                                             "a migration of a pool does not go on: " + done.error().text());
                                     });
  services_ = std::make_shared<admin::EngineServices>(admin::EngineServices{
      .parts = std::move(parts),
      .recalls = recalls_,
      .traces = [&work = engine.work()](const std::string& name) { return traces_of(work.traces(), name); },
      .statistics = &engine.statistics(),
      .reclaim_inhibited = inhibited,
      .drives = [&engine] { return physical_drives(engine); },
      .take_offline = [&engine](
                          const std::string& serial,
                          const std::string& reason) { return take_drive_offline(engine, serial, reason); },
      .bring_online = [&engine](const std::string& serial) { return bring_drive_online(engine, serial); },
      .cache = [&engine] { return cache_use(engine); },
      .waits_for_room =
          [&engine](const std::string& volser) {
            return engine.cached().waits_for_room(volser).value_or(std::string());
          },
      .rates = [&work = engine.work()] { return rates_of(work); },
      .back_up_catalogue = [&work = engine.work()] { return work.order_backup(); }});
}

}  // namespace tapewarden::apps
