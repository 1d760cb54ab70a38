#include "apps/catalogue_rebuild.h"

#include <chrono>
#include <thread>

#include "apps/catalogue_files.h"
#include "apps/engine_back_end.h"
#include "apps/engine_id.h"
#include "apps/engine_keys.h"
#include "apps/engine_store.h"
#include "apps/no_keys.h"
#include "base/counted.h"
#include "engine/cache/cache_identity.h"
#include "engine/cache/volume_cache.h"
#include "people/events.h"

namespace tapewarden::apps {
namespace {

using engine::FindingKind;

constexpr std::chrono::seconds kKeyServerPatience{20};
constexpr std::chrono::milliseconds kKeyServerPause{100};

// The work from the first look to the catalogue in its place, in the order of dependence.
class Rebuilding {
 public:
  Rebuilding(Env env, const TapedConfig& config, const CatalogueRebuildOptions& options,
             const TellProgress& tell)
      : env_(env), config_(config), options_(options), tell_(tell), notices_(*env.clock, nullptr) {}

  Result<RebuiltCatalogue> run();

 private:
  const TapeEngineConfig& engine_config() const { return *config_.engine; }
  std::string folder() const { return engine_config().data + "/rebuild"; }
  Status take_the_engine();
  Status check_catalogue();
  Status record(std::string_view action, bool success,
                std::vector<std::pair<std::string_view, std::string>> fields);
  Status record_beginning();
  Result<RebuiltCatalogue> rebuild(const store::MasterKeys& master);
  Status wait_for_keys();
  Status open_back_end();
  Status examine();
  Result<Uuid> choose_engine() const;
  Status put_in_place(RebuiltCatalogue& made);
  Result<std::size_t> count_cache_files() const;
  Status take_empty_cache(engine::Catalogue& catalogue, std::size_t files) const;

  const Env env_;
  const TapedConfig& config_;
  const CatalogueRebuildOptions& options_;
  const TellProgress& tell_;
  std::unique_ptr<tape::LibraryFolder> library_;  // the hosts'; its lock says that no engine runs
  std::optional<Uuid> id_;                        // of engine-id
  EngineStore store_;                             // for its audit record
  engine::Notices notices_;
  NoKeys no_keys_;
  std::unique_ptr<EngineKeys> keys_;
  std::unique_ptr<EngineBackEnd> back_end_;
  std::unique_ptr<engine::Rebuild> rebuild_;
};

Status Rebuilding::take_the_engine() {
  if (!config_.engine)
    return fail(ErrorCode::kInvalidArgument, "the configuration has no [engine]", "engine",
                "name the taped.toml of a tape engine");
  auto spec = config_.library;
  spec.kept = true;
  auto opened = tape::LibraryFolder::open(env_, spec);
  if (!opened && opened.error().code == ErrorCode::kNotFound) {
    (void)TRY(tape::LibraryFolder::create(env_, spec));
    tell_("the library that hosts see has no inventory: it is made anew");
    opened = tape::LibraryFolder::open(env_, spec);
  }
  if (!opened && opened.error().code == ErrorCode::kConflict)
    return fail(ErrorCode::kConflict, "the catalogue cannot be rebuilt: " + opened.error().message,
                opened.error().field, "stop tapewarden-taped, then do this again");
  library_ = TRY(std::move(opened));
  return {};
}

Status Rebuilding::check_catalogue() {
  const auto& data = engine_config().data;
  TRY(env_.disk->make_directories(data));
  id_ = TRY(read_engine_id(*env_.disk, engine_config().id_path()));
  const auto there = TRY(catalogue_files(*env_.disk, data));
  if (!there.empty() && !options_.set_aside)
    return fail(ErrorCode::kConflict, "there is a catalogue: " + there.front(), "--set-aside",
                "say --set-aside when it is not to be used any more: it is renamed, not deleted");
  if (id_ && options_.engine && *id_ != *options_.engine && !options_.set_aside)
    return fail(ErrorCode::kConflict,
                engine_config().id_path() + " says that this is the engine " + id_->text(), "--engine",
                "say --set-aside as well when it is to become another one");
  return {};
}

Status Rebuilding::record(std::string_view action, bool success,
                          std::vector<std::pair<std::string_view, std::string>> fields) {
  const people::Event event{.type = people::EventType::kManagement,
                            .action = action,
                            .actor = people::local_principal("catalogue-rebuild"),
                            .success = success,
                            .fields = std::move(fields)};
  TRY(store_.keystore->write([&](store::Transaction& transaction) -> Status {
    transaction.record(people::to_record(event));
    return {};
  }));
  return {};
}

Status Rebuilding::record_beginning() {
  return record("catalogue.rebuild-begin", true,
                {{"engine", options_.engine ? options_.engine->text() : "as found"},
                 {"set_aside", options_.set_aside ? "yes" : "no"},
                 {"incomplete", options_.incomplete ? "yes" : "no"}});
}

// Drives get their keys during the rebuild; without any, encrypted cartridges would all count as unread.
Status Rebuilding::wait_for_keys() {
  if (engine_config().key_servers.empty()) return {};
  keys_ = TRY(EngineKeys::connect(env_, engine_config().key_servers, notices_));
  const auto end = std::chrono::steady_clock::now() + kKeyServerPatience;
  std::string problems;
  do {
    problems.clear();
    for (const auto& server : keys_->servers()) {
      if (server.connection == "up") return {};
      problems += "; " + server.role + " " + server.address + ": " +
                  (server.problem.empty() ? server.connection : server.problem);
    }
    std::this_thread::sleep_for(kKeyServerPause);
  } while (std::chrono::steady_clock::now() < end);
  return fail(ErrorCode::kUnavailable, "no key server answers" + problems, "engine.key_servers",
              "start a key server: without keys no encrypted cartridge can be read");
}

Status Rebuilding::open_back_end() {
  engine::StationOptions station;
  station.pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
  engine::DriveKeys& drive_keys = keys_ ? static_cast<engine::DriveKeys&>(*keys_) : no_keys_;
  back_end_ = TRY(EngineBackEnd::open(env_, engine_config().back_ends,
                                      {.keys = drive_keys,
                                       .exchange = keys_ ? &keys_->exchange() : nullptr,
                                       .notices = notices_,
                                       .station = std::move(station)}));
  // The cartridges of a library that does not answer would count as absent.
  for (const auto* library : back_end_->libraries()) TRY(back_end_->refresh(library->name()));
  for (const auto& notice : notices_.open()) tell_(notice.text);
  return {};
}

Status Rebuilding::examine() {
  std::vector<engine::RebuildStation> stations;
  for (const auto& seat : back_end_->seats()) stations.push_back({&seat.library, &seat.station, seat.kind});
  engine::RebuildOptions options{
      .folder = folder(),
      .engine = options_.engine,
      .default_capacity_bytes = engine_config().volume_bytes,
      .kind_of =
          [this](const std::string& barcode) {
            for (const auto* library : back_end_->libraries())
              if (library->find(barcode)) return back_end_->kind_of(library->name(), barcode);
            return engine::kind_of_barcode(barcode);
          },
      .progress =
          [this](const engine::RebuildProgress& now) {
            tell_(std::to_string(now.done) + " of " + counted(now.all, "cartridge") + ": " + now.barcode);
          }};
  rebuild_ = TRY(engine::Rebuild::begin(env_, std::move(stations), std::move(options)));
  const auto before = rebuild_->progress();
  tell_(counted(before.all, "cartridge") + " to examine" +
        (before.done == 0 ? "" : ", " + std::to_string(before.done) + " of them were read before"));
  std::vector<std::optional<Error>> errors(back_end_->seats().size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < errors.size(); ++i)
      threads.emplace_back([this, i, &errors] {
        auto more = rebuild_->step(i);
        while (more && *more) more = rebuild_->step(i);
        if (!more) errors[i] = more.error();
      });
  }
  const auto after = rebuild_->progress();
  for (const auto& error : errors) {
    if (!error) continue;
    if (after.done < after.all && !options_.incomplete) return std::unexpected(*error);
    tell_(error->text());
  }
  return {};
}

Result<Uuid> Rebuilding::choose_engine() const {
  if (options_.engine) return *options_.engine;
  const auto found = rebuild_->engines();
  if (id_ && (found.contains(*id_) || found.empty())) return *id_;
  if (!id_ && found.size() == 1) return found.begin()->first;
  std::string text;
  for (const auto& [engine, cartridges] : found)
    text += (text.empty() ? "" : ", ") + engine.text() + " of " + counted(cartridges, "cartridge");
  if (found.empty())
    return fail(ErrorCode::kNotFound, "no cartridge that an engine wrote could be read", "engine.back_end",
                "look whether the cartridges are in their library, and whether their keys can be had");
  return fail(ErrorCode::kConflict,
              (id_ ? "no cartridge is of the engine " + id_->text() + " that engine-id names; there are "
                   : "the cartridges are of several engines: ") +
                  text,
              "--engine", "say which one: --engine UUID");
}

// Files in the cache are sealed with keys that only the lost catalogue had.
Result<std::size_t> Rebuilding::count_cache_files() const {
  std::size_t count = 0;
  if (!env_.disk->exists(engine_config().cache)) return count;
  for (const auto& name : TRY(env_.disk->list(engine_config().cache)))
    if (name.ends_with(engine::kCacheFileEnding)) ++count;
  return count;
}

// An empty folder is the new catalogue's cache as it was the lost one's. Where files lie in it, the engine
// would remove them at its next start: it is left to an operator whether the folder is the right one, and
// whether they may go (engine/residence/cached_volumes.h, open_cache()). One that bears nothing yet, or is
// not mounted now, is looked at when the engine starts.
Status Rebuilding::take_empty_cache(engine::Catalogue& catalogue, std::size_t files) const {
  if (files != 0) return {};
  const auto cache = engine::read_cache_identity(*env_.disk, engine_config().cache);
  if (!cache || !*cache) return {};
  return catalogue.change(
      [&](engine::CatalogueChange& change) { return change.set_cache_identity(**cache); });
}

Status Rebuilding::put_in_place(RebuiltCatalogue& made) {
  const auto& data = engine_config().data;
  std::vector<std::string> more;
  if (id_ && *id_ != made.engine) more.push_back(engine_config().id_path());
  if (!more.empty() || !TRY(catalogue_files(*env_.disk, data)).empty())
    made.aside = TRY(set_catalogue_aside(*env_.disk, data, env_.clock->wall_now(), more));
  if (id_ != made.engine) TRY(write_engine_id(*env_.disk, engine_config().id_path(), made.engine));
  TRY(place_catalogue(*env_.disk, folder(), data));
  made.in_place = true;
  return rebuild_->discard();
}

Result<RebuiltCatalogue> Rebuilding::rebuild(const store::MasterKeys& master) {
  TRY(wait_for_keys());
  TRY(open_back_end());
  const auto examined = examine();
  if (keys_) keys_->stop_telling();
  const auto off = back_end_->power_off();
  TRY(examined);
  TRY(off);
  RebuiltCatalogue made{.engine = TRY(choose_engine()), .report = {}, .library = {}, .aside = {}};
  TRY(remove_catalogue(*env_.disk, folder()));
  auto catalogue = TRY(engine::Catalogue::open(env_, {folder() + "/catalogue.db", made.engine}, master));
  made.report = TRY(rebuild_->finish(*catalogue, made.engine));
  const bool all_read = made.report.count(FindingKind::kUnreadCartridge) == 0;
  if (!all_read && !options_.incomplete) {
    catalogue.reset();
    TRY(remove_catalogue(*env_.disk, folder()));
    return made;
  }
  made.lost_cache_files = TRY(count_cache_files());
  TRY(take_empty_cache(*catalogue, made.lost_cache_files));
  made.library = TRY(settle_inventory(*library_, *catalogue, config_.library.drives.front().kind));
  catalogue.reset();
  TRY(put_in_place(made));
  return made;
}

Result<RebuiltCatalogue> Rebuilding::run() {
  TRY(take_the_engine());
  TRY(check_catalogue());
  const auto& place = config_.https->store;
  const auto master = TRY(unlock_engine_store(env_, place));
  store_ = TRY(open_engine_store(env_, place, master));
  TRY(record_beginning());
  auto made = rebuild(master);
  if (made) {
    TRY(record("catalogue.rebuild", made->in_place, audit_fields(*made)));
  } else if (const auto told = record("catalogue.rebuild", false, {{"problem", made.error().text()}});
             !told) {
    tell_("this could not be recorded: " + told.error().text());
  }
  return made;
}

}  // namespace

Result<RebuiltCatalogue> rebuild_catalogue(Env env, const TapedConfig& config,
                                           const CatalogueRebuildOptions& options, const TellProgress& tell) {
  return Rebuilding(env, config, options, tell).run();
}

}  // namespace tapewarden::apps
