// Tables and helpers that the keystore's own tests share.
#pragma once

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "store/keystore.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::store::testing {

inline const TableSpec kKeys{
    .name = "data_key",
    .columns = {{"alias", ColumnType::kText, ColumnRole::kKey},
                {"secret", ColumnType::kBlob, ColumnRole::kSecret},
                {"dki", ColumnType::kBlob, ColumnRole::kPlain},
                {"group_name", ColumnType::kText, ColumnRole::kPlain},
                {"place", ColumnType::kInteger, ColumnRole::kPlain},
                {"used", ColumnType::kInteger, ColumnRole::kLocal}},
    .indexes = {"group_name, place"},
    .unique_indexes = {"dki"},
    .replicated = true,
    .peer = {.may_erase = true},
};
inline const TableSpec kSettings{
    .name = "setting",
    .columns = {{"name", ColumnType::kText, ColumnRole::kKey},
                {"value", ColumnType::kText, ColumnRole::kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};
enum KeyColumn : std::size_t { kAlias, kSecret, kDki, kGroup, kPlace, kUsed };

inline crypto::SecretBytes master_key(std::uint8_t fill = 7) {
  return crypto::SecretBytes::copy_of(Bytes(32, fill));
}
inline Uuid server_id(std::uint8_t fill = 1) {
  return Uuid::from(Bytes(16, fill));
}
inline crypto::SecretBytes secret_of(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

// A keystore on a file, opened and closed as the test wants.
struct Fixture {
  explicit Fixture(Storage storage = Storage::kDisk) : directory(storage) {}

  TemporaryDirectory directory;
  RealEnv real;
  MemoryCommitLog log;
  std::unique_ptr<Keystore> keystore;
  std::vector<const TableSpec*> tables{&kKeys, &kSettings};
  Uuid server = server_id();
  std::size_t verify_at_open = 200'000;

  std::string path() const { return directory.file("keystore.db"); }
  Status open(std::uint8_t master = 7) {
    keystore.reset();
    KeystoreOptions options;
    options.path = path();
    options.server = server;
    options.tables = tables;
    options.verify_at_open_limit = verify_at_open;
    auto opened = Keystore::open(real.env(), options, master_key(master), log);
    if (!opened) return std::unexpected(opened.error());
    keystore = std::move(*opened);
    return {};
  }
  void close() { keystore.reset(); }
};

inline Status put_key(Transaction& transaction, const std::string& alias, std::string_view secret,
                      const std::string& group = "g", std::int64_t place = 0) {
  const Value key = alias;
  Bytes box = transaction.seal(kKeys, {&key, 1}, "secret", secret_of(secret));
  return transaction.put(kKeys,
                         {alias, std::move(box), to_bytes("dki " + alias), group, place, std::int64_t{0}});
}

inline Result<CommitInfo> add_key(Keystore& keystore, const std::string& alias, std::string_view secret,
                                  const std::string& group = "g", std::int64_t place = 0) {
  return keystore.write(
      [=, secret = std::string(secret)](Transaction& t) { return put_key(t, alias, secret, group, place); });
}

// The secret under an alias as text; "-" when there is none.
inline Result<std::string> read_key(Keystore& keystore, const std::string& alias) {
  std::string out = "-";
  TRY(keystore.read([&](Reader& reader) -> Status {
    const auto row = TRY(reader.get(kKeys, {alias}));
    if (!row) return {};
    const auto secret = TRY(reader.unseal(kKeys, *row, kSecret));
    out = std::string(as_text(secret.reveal()));
    return {};
  }));
  return out;
}

inline Bytes file_content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
inline void write_content(const std::string& path, ByteView content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << as_text(content);
}

}  // namespace tapewarden::store::testing
