// The backup that filled cartridges get, in files of a folder. Thread-safe; Env and catalogue outlive it.
#pragma once

#include <atomic>

#include "engine/rebuild/catalogue_image.h"
#include "engine/work/catalogue_backup.h"

namespace tapewarden::engine {

class FileCatalogueBackup final : public CatalogueBackup {
 public:
  // The folder is there, and holds no files of another process's backups: what is named like one is written
  // over.
  FileCatalogueBackup(Env env, Catalogue& catalogue, const Uuid& engine, std::string folder)
      : env_(env), catalogue_(catalogue), engine_(engine), folder_(std::move(folder)) {}

  Result<std::string> make() override {
    auto path = folder_ + "/catalogue-" + std::to_string(next_++) + ".backup";
    (void)TRY(write_catalogue_image(catalogue_, {engine_, env_.clock->wall_now()}, *env_.disk, path));
    return path;
  }

 private:
  const Env env_;
  Catalogue& catalogue_;
  const Uuid engine_;
  const std::string folder_;
  std::atomic<std::uint64_t> next_ = 1;
};

}  // namespace tapewarden::engine
