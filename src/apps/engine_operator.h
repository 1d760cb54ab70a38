// What operators' orders work on, as the program has it (engine/operator/parts.h): the library that hosts
// see, the libraries behind the engine, and REST's view of both. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "admin/taped/taped_routes.h"
#include "apps/library_shelf.h"
#include "apps/taped_engine.h"
#include "apps/ticker.h"
#include "engine/operator/cache_files.h"
#include "engine/operator/pool_migrations.h"

namespace tapewarden::apps {

// The libraries behind the engine, and the work that goes on there.
class WorkingBackEnd final : public engine::BackEnd {
 public:
  WorkingBackEnd(EngineBackEnd& libraries, engine::Work& work) : libraries_(libraries), work_(work) {}
  // Asks libraries that do not know the cartridge again, which may take minutes.
  Result<engine::BackEndCartridge> find(const std::string& barcode) override;
  Result<std::shared_ptr<void>> hold(const std::string& barcode) override;
  Result<std::string> hand_out(const std::string& barcode) override;
  Result<std::string> take_away(const std::string& barcode) override { return libraries_.take_away(barcode); }
  Result<std::string> bring_back(const std::string& barcode) override {
    return libraries_.bring_back(barcode);
  }

 private:
  struct Found {
    engine::PhysicalLibrary* library = nullptr;
    engine::PlacedCartridge placed{};
  };
  Result<Found> look(const std::string& barcode);

  EngineBackEnd& libraries_;
  engine::Work& work_;
};

class EngineOperator {
 public:
  // Borrows both, which outlive it and the services.
  EngineOperator(Env env, TapedEngine& engine, tape::Library& library);
  std::shared_ptr<const admin::EngineServices> services() const { return services_; }

 private:
  LibraryShelf shelf_;
  WorkingBackEnd back_end_;
  engine::FilesOfCache cache_;
  engine::RecallOrders recalls_;
  std::shared_ptr<const admin::EngineServices> services_;
  std::unique_ptr<engine::PoolMigrations> migrations_;
  std::unique_ptr<Ticker> upkeep_;  // the first to go: it uses all the others
};

}  // namespace tapewarden::apps
