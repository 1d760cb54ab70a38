#include "engine/catalogue/catalogue.h"

#include "engine/catalogue/checker.h"
#include "engine/catalogue/tables.h"

namespace tapewarden::engine {

namespace {

// Nothing of the key servers has to do with it: the cartridges themselves know what lies on them.
constexpr std::string_view kRemedy =
    "put the newest catalogue.db and catalogue.db.heads back together, or put the catalogue together again "
    "from "
    "the cartridges: tapewarden catalogue rebuild";

}  // namespace

Result<std::unique_ptr<Catalogue>> Catalogue::open(Env env, CatalogueOptions options,
                                                   const store::MasterKeys& master) {
  const auto marks = options.path + ".heads";
  // Made anew they would only be found not to fit: the file would be one more that is wrong.
  if (env.disk->exists(options.path) && !env.disk->exists(marks))
    return fail(ErrorCode::kCorrupt,
                "the catalogue " + options.path + " is there, and its marks " + marks + " are not",
                "engine.data", std::string(kRemedy));
  auto heads = TRY(HeadFile::open(*env.disk, marks));
  store::KeystoreOptions keystore_options;
  keystore_options.path = options.path;
  keystore_options.server = options.engine;
  keystore_options.tables = catalogue_tables();
  auto keystore = store::Keystore::open(env, std::move(keystore_options), master, *heads);
  if (!keystore) {
    auto error = std::move(keystore.error());
    if (error.code == ErrorCode::kCorrupt) error.remedy = kRemedy;
    return in_context("the catalogue (its audit file is " + marks + ")", std::move(error));
  }
  auto catalogue = std::unique_ptr<Catalogue>(new Catalogue(env, std::move(heads), *std::move(keystore)));
  TRY(catalogue->make_defaults());
  return catalogue;
}

// A first start that was cut off left none of them.
Status Catalogue::make_defaults() {
  bool made = false;
  TRY(read([&](CatalogueView& view) -> Status {
    made = !TRY(view.pools()).empty();
    return {};
  }));
  if (made) return {};
  return change([](CatalogueChange& change) -> Status {
    for (const Pool& pool : default_pools()) TRY(change.put(pool));
    TRY(change.put(default_storage_group()));
    return change.put(default_management_class());
  });
}

Status Catalogue::read(const std::function<Status(CatalogueView&)>& work) {
  return keystore_->read([&](store::Reader& reader) {
    CatalogueView view(reader);
    return work(view);
  });
}

Status Catalogue::change(const std::function<Status(CatalogueChange&)>& work) {
  const WallTime now = env_.clock->wall_now();
  (void)TRY(keystore_->write([&work, now](store::Transaction& transaction) {
    CatalogueChange change(transaction, now);
    return work(change);
  }));
  return {};
}

Result<LogicalVolume> Catalogue::volume(std::string_view volser) {
  LogicalVolume out;
  TRY(read([&](CatalogueView& view) -> Status {
    out = TRY(view.volume(volser));
    return {};
  }));
  return out;
}

Result<PhysicalVolume> Catalogue::cartridge(std::string_view barcode) {
  PhysicalVolume out;
  TRY(read([&](CatalogueView& view) -> Status {
    out = TRY(view.cartridge(barcode));
    return {};
  }));
  return out;
}

Result<crypto::SecretBytes> Catalogue::cache_key(std::string_view volser) {
  crypto::SecretBytes out;
  TRY(read([&](CatalogueView& view) -> Status {
    out = TRY(view.cache_key(volser));
    return {};
  }));
  return out;
}

Result<std::vector<std::string>> Catalogue::check() {
  std::vector<std::string> faults;
  TRY(keystore_->read([&](store::Reader& reader) -> Status {
    faults = TRY(check_catalogue(reader));
    return {};
  }));
  return faults;
}

}  // namespace tapewarden::engine
