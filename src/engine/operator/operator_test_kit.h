// An engine's catalogue with the edges of an operator's orders replaced: a shelf for volumes, a library
// behind it, key servers. Not part of the library.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/operator/parts.h"

namespace tapewarden::engine::testing {

class FakeNames : public KeyNameCheck {
 public:
  Result<std::vector<std::string>> check_labels(const std::vector<std::string>& labels) override {
    asked.insert(asked.end(), labels.begin(), labels.end());
    for (const auto& label : labels) TRY(check(label, "label 1"));
    return notes;
  }
  Result<std::vector<std::string>> check_group(const std::string& name) override {
    asked.push_back(name);
    TRY(check(name, "key group"));
    return notes;
  }

  std::set<std::string> known{"FINANCE", "ARCHIVE", "DAILY"};
  std::vector<std::string> asked;
  std::vector<std::string> notes{};  // of labels and groups that may be used
  bool reachable = true;
  std::function<void()> meanwhile = {};  // what happens while key servers are asked

 private:
  Status check(const std::string& name, const std::string& field) {
    if (meanwhile) meanwhile();
    if (!reachable) return fail(ErrorCode::kUnavailable, "no key server can be asked", "key server");
    if (known.contains(name)) return {};
    return fail(ErrorCode::kNotFound, "the key server k1:3801 does not know " + name, field, "make it there");
  }
};

class FakeShelf : public VolumeShelf {
 public:
  Status put(const std::vector<ShelvedVolume>& volumes) override {
    if (places.size() + volumes.size() > slots)
      return fail(ErrorCode::kExhausted, "there are not enough free slots", "volsers");
    for (const auto& volume : volumes) {
      shelved[volume.volser] = volume;
      places[volume.volser] = "slot " + std::to_string(places.size() + 1);
    }
    return {};
  }
  Result<std::optional<ShelvedVolume>> take(const std::string& volser) override {
    const auto found = shelved.find(volser);
    if (found == shelved.end()) return std::optional<ShelvedVolume>();
    if (places[volser].starts_with("drive"))
      return fail(ErrorCode::kConflict, volser + " is in " + places[volser], "volser");
    const auto out = found->second;
    shelved.erase(found);
    places.erase(volser);
    if (meanwhile) meanwhile();
    return std::optional(out);
  }
  std::string place_of(const std::string& volser) override {
    const auto found = places.find(volser);
    return found == places.end() ? std::string() : found->second;
  }

  std::size_t slots = 100;
  std::map<std::string, ShelvedVolume> shelved;
  std::map<std::string, std::string> places;
  std::function<void()> meanwhile = {};  // after a volume was taken
};

class FakeBackEnd : public BackEnd {
 public:
  Result<BackEndCartridge> find(const std::string& barcode) override {
    const auto found = cartridges.find(barcode);
    if (found != cartridges.end()) return found->second;
    return fail(ErrorCode::kNotFound, "no library has " + barcode, "barcodes", "put it into the library");
  }
  Result<std::shared_ptr<void>> hold(const std::string& barcode) override {
    if (in_use.contains(barcode))
      return fail(ErrorCode::kConflict, "work with " + barcode + " is under way", "barcode",
                  "try again later");
    ++holds;
    return std::shared_ptr<void>(&holds, [](int* count) { --*count; });
  }
  Result<std::string> hand_out(const std::string& barcode) override {
    if (door_full) return fail(ErrorCode::kExhausted, "no import/export slot is free", "barcode");
    cartridges.erase(barcode);
    return std::string("import/export slot 1");
  }
  Result<std::string> take_away(const std::string& barcode) override {
    taken_away.insert(barcode);
    return "outside/" + barcode;
  }
  Result<std::string> bring_back(const std::string& barcode) override {
    if (taken_away.erase(barcode) == 0)
      return fail(ErrorCode::kNotFound, "no library has " + barcode, "barcode");
    return std::string("import/export slot 1");
  }

  std::map<std::string, BackEndCartridge> cartridges;
  std::set<std::string> in_use;
  std::set<std::string> taken_away;
  bool door_full = false;
  int holds = 0;
};

class FakeCacheFiles : public CacheFiles {
 public:
  Status look_at(const LogicalVolume& volume) override {
    if (!missing.contains(volume.volser)) return {};
    return fail(ErrorCode::kCorrupt, "the file of the volume " + volume.volser + " is missing", "volser");
  }

  std::set<std::string> missing;
};

struct OperatorBench {
  Box box;
  FakeNames names;
  FakeShelf shelf;
  FakeBackEnd back_end;
  FakeCacheFiles cache;
  int woken = 0;
  VolumeDesk desk{[] {}};
  Notices notices{box.clock(), nullptr};
  std::vector<CachedContent> shredded;

  OperatorParts parts() {
    return {.env = box.env(),
            .catalogue = *box,
            .desk = desk,
            .notices = notices,
            .names = names,
            .shelf = shelf,
            .back_end = back_end,
            .cache = cache,
            .wake = [this] { ++woken; },
            .shred = [this](const CachedContent& content) { shredded.push_back(content); }};
  }
  void in_library(const std::string& barcode, MediumKind kind = MediumKind::kLto) {
    back_end.cartridges[barcode] = {"lib1", kind, "slot 1"};
  }
  LogicalVolume volume(const std::string& volser) {
    const auto found = box->volume(volser);
    EXPECT_TRUE(found) << found.error().text();
    return found ? *found : LogicalVolume();
  }
  PhysicalVolume physical(const std::string& barcode) {
    const auto found = box->cartridge(barcode);
    EXPECT_TRUE(found) << found.error().text();
    return found ? *found : PhysicalVolume();
  }
  Pool pool(std::uint8_t number) {
    return box.look([&](CatalogueView& view) { return view.pool(number); });
  }
  void encrypt_pool(std::uint8_t number) {
    auto changed = pool(number);
    changed.encryption = PoolEncryption::kIdentified;
    changed.key_group = "DAILY";
    EXPECT_TRUE(box.put(changed));
  }
  void put_cartridge(const std::string& barcode) {
    if (box->cartridge(barcode)) return;
    EXPECT_TRUE(box.put(cartridge(barcode)));
  }
  // On tape only, as tape file `file` of the cartridge, which is put too unless it is there.
  void put_migrated(const std::string& volser, const std::string& barcode, std::uint32_t file) {
    put_cartridge(barcode);
    auto volume = written_volume(volser);
    ASSERT_TRUE(box.put_cached(volume));
    volume.cached = false;
    volume.cached_bytes = 0;
    volume.primary = copy_on(barcode, file);
    ASSERT_TRUE(box.put(volume));
  }
  // In the cache and on tape.
  void put_premigrated(const std::string& volser, const std::string& barcode, std::uint32_t file) {
    put_cartridge(barcode);
    auto volume = written_volume(volser);
    volume.primary = copy_on(barcode, file);
    volume.cache_file = 4;
    ASSERT_TRUE(box.put_cached(volume));
  }
};

// "not-found label 1"; "" when all went well.
template <typename T>
std::string told(const Result<T>& result) {
  if (result) return "";
  return std::string(to_string(result.error().code)) + " " + result.error().field;
}

inline std::vector<std::string> outcomes(const std::vector<OrderLine>& lines) {
  std::vector<std::string> out;
  for (const auto& line : lines)
    out.push_back(line.name + (line.error ? " NOT: " : ": ") +
                  (line.error ? line.error->message : line.outcome));
  return out;
}

}  // namespace tapewarden::engine::testing
