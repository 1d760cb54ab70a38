#include "apps/taped_engine.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "apps/engine_id.h"
#include "apps/engine_workers.h"
#include "apps/log.h"
#include "apps/no_keys.h"
#include "apps/ticker.h"
#include "base/counted.h"
#include "base/disk_space.h"
#include "base/text.h"
#include "engine/cache/volume_cache.h"
#include "engine/rebuild/file_catalogue_backup.h"
#include "engine/rebuild/rebuild.h"
#include "engine/report/bulk_answers.h"
#include "engine/residence/expiry.h"

namespace tapewarden::apps {
namespace {

constexpr std::uint64_t kMarginPart = 20;  // of the cache, that is kept free in the background
constexpr std::chrono::milliseconds kUpkeep{5'000};
constexpr std::chrono::milliseconds kFirstAnswers{100};  // to requests from before the start
constexpr std::chrono::milliseconds kAskAgain{60'000};   // what did not answer
constexpr unsigned kUpkeepsToExpire = 12;  // each so many times it is looked for what has expired
constexpr std::size_t kExpiredAtOnce = 100;
constexpr std::size_t kMostNamed = 20;  // in one line of the log

Result<Uuid> read_or_make_id(Env env, const std::string& path) {
  if (const auto id = TRY(read_engine_id(*env.disk, path))) return *id;
  const auto made = Uuid::random(*env.random);
  TRY(write_engine_id(*env.disk, path, made));
  return made;
}

// The first of them, for a line of the log.
std::string names_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMostNamed; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMostNamed) text += " and " + std::to_string(names.size() - kMostNamed) + " more";
  return text;
}

void tell(LogLevel level, const std::string& what, const std::vector<std::string>& names) {
  if (!names.empty()) log(level, what + ": " + names_of(names));
}

// Which cartridge of the inventory is in which drive.
std::map<std::string, std::string> in_drives(const tape::Inventory& inventory) {
  std::map<std::string, std::string> out;
  for (const auto& [barcode, holding] : inventory.cartridges())
    if (holding.place.kind == tape::PlaceKind::kDrive) out.emplace(barcode, holding.place.drive);
  return out;
}

// A new catalogue beside an old cache or an old library knows nothing of either: files of the cache, whose
// keys stood in the old one, would be taken for nobody's.
Status check_catalogue_is_there(Env env, const TapeEngineConfig& config, const tape::Inventory& library) {
  if (env.disk->exists(config.catalogue_path())) return {};
  std::string beside;
  if (!library.cartridges().empty()) {
    beside = "the library has cartridges";
  } else if (const auto files = env.disk->list(config.cache)) {
    const auto whole = [](const std::string& name) { return name.ends_with(engine::kCacheFileEnding); };
    if (std::ranges::any_of(*files, whole)) beside = "the cache " + config.cache + " has files";
  }
  if (beside.empty()) return {};
  return fail(ErrorCode::kNotFound, "there is no catalogue " + config.catalogue_path() + ", while " + beside,
              "engine.data",
              "mount its disk; when it is lost for good, put it together again "
              "(docs/operating/catalogue.md); a new engine "
              "begins with new folders for library and cache");
}

// A library of cartridge files that was made a tape engine's would give its hosts none of them.
Status check_inventory(engine::Catalogue& catalogue, const tape::Inventory& inventory) {
  std::vector<std::string> unknown;
  bool any = false;
  TRY(catalogue.read([&](engine::CatalogueView& view) -> Status {
    for (const auto& [barcode, holding] : inventory.cartridges()) {
      const bool known = TRY(view.find_volume(barcode)).has_value();
      any = any || known;
      if (!known) unknown.push_back(barcode);
    }
    return {};
  }));
  if (!unknown.empty() && !any)
    return fail(ErrorCode::kConflict,
                "the library holds cartridges that are no logical volumes: " + names_of(unknown),
                "library.folder", "name a new folder for the engine's library, or take [engine] out");
  tell(LogLevel::kError, "the catalogue does not know these cartridges of the library", unknown);
  return {};
}

}  // namespace

// In the order of dependence; destroyed from the end.
struct TapedEngine::Parts {
  Env env;
  Uuid id;
  std::unique_ptr<EngineStatistics> statistics;
  std::unique_ptr<NoticeSink> sink;
  std::unique_ptr<engine::Notices> notices;
  std::unique_ptr<engine::Catalogue> catalogue;
  std::unique_ptr<engine::VolumeCache> cache;
  std::unique_ptr<engine::CachedVolumes> cached;
  EngineWorkers workers;  // wakes from here on
  std::unique_ptr<engine::VolumeDesk> desk;
  std::unique_ptr<engine::CatalogueBackup> backup;
  NoKeys no_keys;
  std::unique_ptr<EngineKeys> keys;  // none: no key servers are configured
  std::unique_ptr<EngineBackEnd> back_end;
  std::unique_ptr<engine::BulkAnswers> answers;
  std::unique_ptr<engine::HostVolumes> volumes;
  std::unique_ptr<engine::Work> work;
  std::atomic<engine::Work*> at_work{nullptr};  // `work`, for who calls from other threads
  unsigned upkeeps = 0;
  bool book_closed = false;
  std::atomic<bool> ending{false};
  std::unique_ptr<Ticker> upkeep;
  std::unique_ptr<Ticker> asking;  // its own: whom it asks may let it wait
  std::unique_ptr<Ticker> answering;
  Mutex asked_mutex;
  Ticker* asked TW_GUARDED_BY(asked_mutex) = nullptr;  // `answering`, for who calls from other threads

  Status open_catalogue(const TapedConfig& config);
  Status open_cache(const TapeEngineConfig& config);
  Status open_back_end(const TapeEngineConfig& config);
  Status open_volumes(const TapedConfig& config, const tape::Inventory& library);
  Status make_work(const TapeEngineConfig& config);
  Result<bool> step();
  void shred_file(const engine::CachedContent& content);
  void delete_expired();
  void look_after();
  void ask_again();
  void ask_for_answers() TW_EXCLUDES(asked_mutex);
  void set_asked(Ticker* ticker) TW_EXCLUDES(asked_mutex);
  void answer_requests();
  void count();
  Status close_book();
};

Status TapedEngine::Parts::open_catalogue(const TapedConfig& config) {
  const auto& engine_config = *config.engine;
  TRY(env.disk->make_directories(engine_config.data));
  id = TRY(read_or_make_id(env, engine_config.id_path()));
  sink = TRY(make_notice_sink(env, engine_config, id.text()));
  notices = std::make_unique<engine::Notices>(*env.clock, sink.get());
  const auto master = TRY(unlock_engine_store(env, config.https->store));
  catalogue = TRY(engine::Catalogue::open(env, {engine_config.catalogue_path(), id}, master));
  const auto backups = engine_config.data + "/backups";
  TRY(env.disk->make_directories(backups));
  backup = std::make_unique<engine::FileCatalogueBackup>(env, *catalogue, id, backups);
  return {};
}

Status TapedEngine::Parts::open_cache(const TapeEngineConfig& config) {
  auto opened = TRY(engine::open_cache(env, *catalogue, *notices, config.cache));
  cache = std::move(opened.cache);
  tell(LogLevel::kInfo, "files of nobody were removed from the cache", opened.removed);
  tell(LogLevel::kWarning, "files of these volumes were missing in the cache; their copies on tape count",
       opened.corrected);
  tell(LogLevel::kWarning, "of these the copy that was due is made when they have been recalled",
       opened.due_without_file);
  tell(LogLevel::kError,
       "files of these volumes, which were in drives, are missing in the cache; nothing is given up",
       opened.held);
  tell(LogLevel::kError, "the content of these volumes is nowhere", opened.lost);
  cached = std::make_unique<engine::CachedVolumes>(
      env, *catalogue, *cache, *notices,
      engine::CacheLimits{.bytes = config.cache_bytes,
                          .margin_bytes = config.cache_bytes / kMarginPart,
                          .free_on_disk = [folder = config.cache] { return free_disk_bytes(folder); }},
      statistics->book());
  if (const auto small = cached->disk_warning()) log(LogLevel::kWarning, *small);
  desk = std::make_unique<engine::VolumeDesk>([this] { workers.wake(); });
  return {};
}

Status TapedEngine::Parts::open_back_end(const TapeEngineConfig& config) {
  if (!config.key_servers.empty())
    keys = TRY(EngineKeys::connect(env, config.key_servers, *notices, [this] {
      if (auto* const working = at_work.load()) working->try_again();
    }));
  engine::StationOptions station{.reserve_bytes = config.reserve_bytes};
  station.meter = &statistics->book();
  station.pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
  engine::DriveKeys& drive_keys = keys ? static_cast<engine::DriveKeys&>(*keys) : no_keys;
  back_end = TRY(EngineBackEnd::open(env, config.back_ends,
                                     {.keys = drive_keys,
                                      .exchange = keys ? &keys->exchange() : nullptr,
                                      .notices = *notices,
                                      .station = std::move(station)}));
  return {};
}

Status TapedEngine::Parts::open_volumes(const TapedConfig& config, const tape::Inventory& library) {
  TRY(check_inventory(*catalogue, library));
  engine::HostOptions options;
  options.meter = &statistics->book();
  if (config.engine->bulk_requests) {
    answers = std::make_unique<engine::BulkAnswers>(*catalogue, statistics->book(), *env.clock);
    options.answers = answers.get();
    options.asked = [this] { ask_for_answers(); };
  }
  tape::CartridgeSpec blank{.volume = {},
                            .volser = {},
                            .kind = config.library.drives.front().kind,
                            .capacity_bytes = config.engine->volume_bytes};
  if (config.drives.density != 0) blank.density = config.drives.density;
  options.blank = [blank](const std::string& volser) {
    auto spec = blank;
    spec.volser = volser;
    return spec;
  };
  volumes =
      std::make_unique<engine::HostVolumes>(env, *catalogue, *cached, *desk, *notices, std::move(options));
  const auto found = TRY(volumes->reconcile(in_drives(library)));
  tell(LogLevel::kWarning, "volumes that were in drives when the engine ended", found.out);
  tell(LogLevel::kInfo, "of these a host had changed the content", found.changed);
  for (const auto& fault : found.faults) log(LogLevel::kError, fault);
  return {};
}

Status TapedEngine::Parts::make_work(const TapeEngineConfig& config) {
  std::vector<engine::WorkDrive> drives;
  for (const auto& seat : back_end->seats()) drives.push_back({&seat.station, seat.kind});
  work = std::make_unique<engine::Work>(
      engine::WorkParts{.env = env,
                        .catalogue = *catalogue,
                        .cached = *cached,
                        .desk = *desk,
                        .notices = *notices,
                        .backup = backup.get(),
                        .meter = &statistics->book()},
      std::move(drives),
      engine::WorkOptions{
          .engine = id, .capable_drives = config.minimum_encrypting_drives, .early_backups = true});
  at_work = work.get();
  return work->set_reclaim_schedule(config.reclaim);
}

Result<bool> TapedEngine::Parts::step() {
  const bool worked = TRY(work->step());
  if (worked) (void)volumes->retry_waiting();  // room may have come
  return worked;
}

void TapedEngine::Parts::shred_file(const engine::CachedContent& content) {
  if (const auto gone = cache->shred(content); !gone)
    log(LogLevel::kError, "a file of the cache without a key could not be removed: " + gone.error().text());
}

// Scratch volumes whose time is over.
void TapedEngine::Parts::delete_expired() {
  const auto shred = [this](const engine::CachedContent& content) { shred_file(content); };
  std::size_t deleted = 0;
  for (bool more = true; more;) {
    const auto some = engine::delete_expired(*catalogue, shred, env.clock->wall_now(), kExpiredAtOnce);
    if (!some) log(LogLevel::kError, "content that has expired: " + some.error().text());
    more = some && some->more;
    if (some) deleted += some->volumes;
  }
  statistics->book().volumes_deleted(deleted);
  if (deleted != 0)
    log(LogLevel::kInfo, "expired content of " + counted(deleted, "scratch volume") + " was deleted");
}

void TapedEngine::Parts::answer_requests() {
  const auto answered = volumes->answer_requests();
  if (!answered) log(LogLevel::kError, "a host's request: " + answered.error().text());
  if (answered && *answered != 0) {
    log(LogLevel::kInfo, counted(*answered, "request") + " of hosts answered on the volume");
    workers.wake();  // the answers are to be copied
  }
}

void TapedEngine::Parts::count() {
  const auto looked =
      statistics->look({.catalogue = *catalogue, .cache = *cache, .desk = *desk, .drives = work->drives()});
  if (!looked) log(LogLevel::kError, "statistics: " + looked.error().text());
}

// At the end: what is in the book becomes a record. Once; a start that failed has counted nothing.
Status TapedEngine::Parts::close_book() {
  if (!work || book_closed) return {};
  book_closed = true;
  count();
  return statistics->book().save(*catalogue, env.clock->wall_now());
}

// What nobody else has a reason to look at.
void TapedEngine::Parts::look_after() {
  count();
  if (const auto kept = statistics->book().keep(*catalogue, env.clock->wall_now()); !kept)
    log(LogLevel::kError, "statistics: " + kept.error().text());
  (void)cached->look_at_folder();  // told as an intervention
  if (const auto left = cached->keep_margin(); !left)
    log(LogLevel::kError, "room in the cache: " + left.error().text());
  if (volumes->retry_unsettled() + volumes->retry_waiting() != 0) workers.wake();
  if (++upkeeps % kUpkeepsToExpire == 0) delete_expired();
}

void TapedEngine::Parts::ask_again() {
  const auto claim = [this](engine::TapeStation& station) -> std::shared_ptr<void> {
    auto taken = work->drives().claim_anyhow(station);
    return taken ? std::make_shared<engine::DriveDesk::Claim>(*std::move(taken)) : nullptr;
  };
  back_end->retry(claim, [this] { return !ending; });
  workers.wake();
}

void TapedEngine::Parts::ask_for_answers() {
  const MutexLock lock(asked_mutex);
  if (asked != nullptr) asked->poke();
}

void TapedEngine::Parts::set_asked(Ticker* ticker) {
  const MutexLock lock(asked_mutex);
  asked = ticker;
}

TapedEngine::TapedEngine() : parts_(std::make_unique<Parts>()) {}
TapedEngine::~TapedEngine() {
  (void)stop();
}

Result<std::unique_ptr<TapedEngine>> TapedEngine::start(Env env, const TapedConfig& config,
                                                        const tape::Inventory& library) {
  std::unique_ptr<TapedEngine> made(new TapedEngine());
  auto& parts = *made->parts_;
  parts.env = env;
  parts.statistics = std::make_unique<EngineStatistics>(env.clock->wall_now());
  TRY(check_catalogue_is_there(env, *config.engine, library));
  TRY(parts.open_catalogue(config));
  TRY(parts.open_cache(*config.engine));
  TRY(parts.open_back_end(*config.engine));
  TRY(parts.open_volumes(config, library));
  TRY(parts.make_work(*config.engine));
  TRY(engine::say_rebuilt(*parts.catalogue, *parts.notices));
  return made;
}

void TapedEngine::serve(const std::vector<std::shared_ptr<tape::DriveBay>>& bays) {
  auto& parts = *parts_;
  parts.statistics->watch(bays);
  parts.workers.start(parts.back_end->seats().size(),
                      {.step = [&parts] { return parts.step(); },
                       .next_attempt = [&parts] { return parts.work->next_attempt(); },
                       .clock = *parts.env.clock});
  parts.upkeep = std::make_unique<Ticker>(kUpkeep, [&parts] { parts.look_after(); });
  parts.asking = std::make_unique<Ticker>(kAskAgain, [&parts] { parts.ask_again(); });
  parts.answering = std::make_unique<Ticker>(kFirstAnswers, kUpkeep, [&parts] { parts.answer_requests(); });
  parts.set_asked(parts.answering.get());
}

Status TapedEngine::stop() {
  // First who works hears of it, then each is waited for.
  parts_->ending = true;
  if (parts_->work) parts_->work->end_soon();
  if (parts_->volumes) parts_->volumes->end_answers();
  if (parts_->keys) parts_->keys->stop_telling();
  parts_->upkeep.reset();
  parts_->asking.reset();
  parts_->set_asked(nullptr);  // sessions that were cut may still give volumes back
  parts_->answering.reset();
  parts_->workers.stop();
  const auto closed = parts_->close_book();
  const auto off = parts_->back_end ? parts_->back_end->power_off() : Status{};
  return off ? closed : off;
}

tape::VolumeKeeper& TapedEngine::keeper() {
  return *parts_->volumes;
}
Env TapedEngine::volume_env() {
  return parts_->cached->env();
}
engine::Catalogue& TapedEngine::catalogue() {
  return *parts_->catalogue;
}
engine::CachedVolumes& TapedEngine::cached() {
  return *parts_->cached;
}
engine::VolumeDesk& TapedEngine::desk() {
  return *parts_->desk;
}
engine::Notices& TapedEngine::notices() {
  return *parts_->notices;
}
engine::HostVolumes& TapedEngine::volumes() {
  return *parts_->volumes;
}
engine::Work& TapedEngine::work() {
  return *parts_->work;
}
EngineBackEnd& TapedEngine::back_end() {
  return *parts_->back_end;
}
engine::KeyNameCheck& TapedEngine::names() {
  return parts_->keys ? static_cast<engine::KeyNameCheck&>(*parts_->keys) : parts_->no_keys;
}
std::vector<admin::KeyServerView> TapedEngine::key_servers() const {
  return parts_->keys ? parts_->keys->servers() : std::vector<admin::KeyServerView>{};
}
std::vector<std::string> TapedEngine::warnings() const {
  auto warnings = parts_->sink->warnings();
  if (auto small = parts_->cached->disk_warning()) warnings.push_back(*std::move(small));
  return warnings;
}
engine::StatisticsBook& TapedEngine::statistics() {
  return parts_->statistics->book();
}
const Uuid& TapedEngine::id() const {
  return parts_->id;
}

void TapedEngine::shred(const engine::CachedContent& content) {
  parts_->shred_file(content);
}

}  // namespace tapewarden::apps
