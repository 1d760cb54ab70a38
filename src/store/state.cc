#include "store/state.h"

#include <algorithm>

#include "crypto/hash.h"

namespace tapewarden::store {

namespace {

constexpr std::size_t kNameLimit = 256;
constexpr std::size_t kContentLimit = 1U << 30;

Bytes encode_tables(const State& state) {
  ByteWriter writer;
  writer.u16(static_cast<std::uint16_t>(state.tables.size()));
  for (const auto& [name, sum] : state.tables) {
    writer.bytes16(as_bytes(name)).bytes(sum.macs.bytes()).u64(sum.rows).u64(sum.live);
  }
  return writer.take();
}

Bytes encode(const State& state) {
  ByteWriter writer;
  writer.u64(state.mark.sequence).bytes(state.mark.head).bytes(state.previous_head).bytes(state.chain_before);
  writer.u32(static_cast<std::uint32_t>(state.records.size()));
  for (const std::string& record : state.records) writer.bytes32(as_bytes(record));
  writer.bytes(encode_tables(state));
  return writer.take();
}

Result<State> decode(ByteView content) {
  ByteReader reader(content);
  State state;
  state.mark.sequence = TRY(reader.u64("sequence"));
  state.mark.head = TRY(reader.array<32>("head"));
  state.previous_head = TRY(reader.array<32>("previous head"));
  state.chain_before = TRY(reader.array<32>("chain"));
  const std::uint32_t records = TRY(reader.u32("records"));
  for (std::uint32_t i = 0; i < records; ++i) {
    state.records.emplace_back(as_text(TRY(reader.bytes32(kContentLimit, "record"))));
  }
  const std::uint16_t tables = TRY(reader.u16("tables"));
  for (std::uint16_t i = 0; i < tables; ++i) {
    std::string name(as_text(TRY(reader.bytes16(kNameLimit, "table"))));
    TableSum sum;
    sum.macs = MacSum::from(TRY(reader.array<32>("sum")));
    sum.rows = TRY(reader.u64("rows"));
    sum.live = TRY(reader.u64("live rows"));
    state.tables.emplace(std::move(name), sum);
  }
  TRY(reader.expect_done("state"));
  return state;
}

// What the MAC of one row (name, content, mac) is over.
Bytes note_of(std::string_view name, ByteView content) {
  return ByteWriter().bytes16(as_bytes(name)).bytes32(content).take();
}

Bytes mac_of(const Vault& vault, std::string_view what, ByteView note) {
  return stored_mac(vault.version(), vault.note_mac(what, note));
}

// The version that a note's MAC names: as it is stored, and 0 when it is none.
KeyVersion named_version(ByteView stored) {
  const auto mac = parse_stored_mac(stored);
  return mac ? std::max(mac->version, kFirstKeyVersion) : KeyVersion{0};
}

bool fits(const KeyView& keys, std::string_view what, ByteView note, ByteView stored) {
  const auto mac = parse_stored_mac(stored);
  const Vault* vault = mac ? keys.find(mac->version) : nullptr;
  return vault != nullptr && equal(mac->mac, vault->note_mac(what, note));
}

}  // namespace

std::unexpected<Error> damaged(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what), {}, "restore the keystore from its newest backup");
}

Hash256 State::digest_of_tables() const {
  return crypto::sha256(encode_tables(*this));
}

Hash256 State::digest_of(std::span<const std::string> records) {
  crypto::Sha256 hash;
  for (const std::string& record : records) {
    ByteWriter length;
    length.u32(static_cast<std::uint32_t>(record.size()));
    hash.update(length.view());
    hash.update(as_bytes(record));
  }
  return hash.finish();
}

void State::seal(const Vault& vault) {
  mark.head = vault.head(previous_head, mark.sequence, digest_of_records(), chain_before);
}

Result<State> read_state(sqlite::Connection& connection, const KeyView& keys) {
  sqlite::Statement statement = TRY(connection.prepare("SELECT content, mac FROM tw_state WHERE id = 1"));
  if (!TRY(statement.step())) return damaged("the keystore's state is missing");
  const ByteView content = statement.blob(0);
  if (!fits(keys, "state", content, statement.blob(1))) {
    return damaged("the keystore's state was changed outside of this program");
  }
  return decode(content);
}

Status write_state(sqlite::Connection& connection, const Vault& vault, const State& state) {
  const Bytes content = encode(state);
  const Bytes mac = mac_of(vault, "state", content);
  sqlite::Statement* statement = TRY(connection.cached("state", [] {
    return std::string(
        "INSERT INTO tw_state(id, content, mac) VALUES(1, ?1, ?2) ON CONFLICT(id) DO UPDATE SET content = "
        "?1, "
        "mac = ?2");
  }));
  const sqlite::Use use(*statement);
  use->bind_blob(1, content);
  use->bind_blob(2, mac);
  return use->run();
}

namespace {

Status write_note(sqlite::Connection& connection, const Vault& vault, std::string_view name, ByteView value) {
  const Bytes mac = mac_of(vault, "meta", note_of(name, value));
  sqlite::Statement statement =
      TRY(connection.prepare("INSERT OR REPLACE INTO tw_meta(name, value, mac) VALUES(?1, ?2, ?3)"));
  statement.bind_text(1, name);
  statement.bind_blob(2, value);
  statement.bind_blob(3, mac);
  return statement.run();
}

// What the notes say, and how many of them fit the master key.
struct NotesFound {
  std::map<std::string, Bytes, std::less<>> values;
  std::size_t fitting = 0;
  std::string first_misfit;
  // The versions that the MACs name: of those that fit, and of those that the ring does not have.
  KeyVersion lowest = 0;
  KeyVersion highest = 0;
  KeyVersion unknown = 0;
};

Result<NotesFound> collect_notes(sqlite::Connection& connection, const KeyView& keys) {
  NotesFound found;
  sqlite::Statement statement = TRY(connection.prepare("SELECT name, value, mac FROM tw_meta"));
  while (TRY(statement.step())) {
    std::string name(statement.text(0));
    const Bytes value = to_bytes(statement.blob(1));
    const KeyVersion version = named_version(statement.blob(2));
    if (keys.find(version) == nullptr) found.unknown = version;
    if (fits(keys, "meta", note_of(name, value), statement.blob(2))) {
      found.lowest = found.fitting == 0 ? version : std::min(found.lowest, version);
      found.highest = std::max(found.highest, version);
      ++found.fitting;
      found.values[std::move(name)] = value;
    } else {
      found.first_misfit = std::move(name);
    }
  }
  return found;
}

}  // namespace

Status write_meta(sqlite::Connection& connection, const Vault& vault, const Meta& meta) {
  ByteWriter format;
  format.u32(meta.format);
  TRY(write_note(connection, vault, "format", format.view()));
  TRY(write_note(connection, vault, "server", meta.server.view()));
  ByteWriter created;
  created.u64(static_cast<std::uint64_t>(to_millis(meta.created)));
  TRY(write_note(connection, vault, "created", created.view()));
  return write_note(connection, vault, "check", vault.check_value());
}

namespace {

// No note fits: the keystore is of another version of the master key than its file has.
std::unexpected<Error> other_version(const KeyView& keys, KeyVersion version) {
  const auto there = keys.versions();
  std::string text = "the keystore is sealed under version " + std::to_string(version) +
                     " of its master key, and the master-key file holds " + versions_text(there);
  std::string remedy;
  if (there.back() < version) {
    text += ": the file is an old copy from before a rotation";
    remedy = "put back the newest master-key file of this server, or restore it from its newest backup";
  } else {
    text += ": the keystore is an old copy from before a rotation, whose key was destroyed";
    remedy =
        "put back the newest keystore, or restore this server from a backup file (.twb): those need no "
        "master key";
  }
  return fail(ErrorCode::kWrongKey, std::move(text), "master key", std::move(remedy));
}

}  // namespace

Result<Meta> read_meta(sqlite::Connection& connection, const KeyView& keys) {
  NotesFound found = TRY(collect_notes(connection, keys));
  // One misfit among fitting notes is damage; nothing that fits, not even the state, is another key.
  if (found.fitting == 0) {
    const auto state = read_state(connection, keys);
    if (!state && found.unknown != 0) return other_version(keys, found.unknown);
    if (!state && state.error().code == ErrorCode::kCorrupt) {
      return fail(ErrorCode::kWrongKey, "the master key does not fit this keystore", "master key",
                  "give the master key with which this keystore was made");
    }
  }
  if (!found.first_misfit.empty()) {
    return damaged("the keystore's note \"" + printable_key({{Value(found.first_misfit)}}) +
                   "\" was changed outside of this program");
  }
  for (const char* name : {"format", "server", "created", "check"}) {
    if (!found.values.contains(name)) {
      return damaged(std::string("the keystore's note \"") + name + "\" is missing");
    }
  }
  if (found.lowest != found.highest)
    return damaged("the keystore's notes are of several versions of its key");
  Meta meta;
  meta.key = found.highest;
  ByteReader format(found.values["format"]);
  meta.format = TRY(format.u32("format"));
  if (meta.format > kKeystoreFormat) {
    return fail(ErrorCode::kUnsupported,
                "the keystore was written by a newer program (format " + std::to_string(meta.format) + ")",
                "format", "use that program, or restore a backup made before it");
  }
  ByteReader server(found.values["server"]);
  meta.server = Uuid::from(TRY(server.bytes(16, "server")));
  ByteReader created(found.values["created"]);
  meta.created = from_millis(static_cast<std::int64_t>(TRY(created.u64("created"))));
  return meta;
}

Result<SchemaNotes> read_schema(sqlite::Connection& connection, const KeyView& keys) {
  SchemaNotes notes;
  sqlite::Statement statement = TRY(connection.prepare("SELECT name, columns, mac FROM tw_schema"));
  while (TRY(statement.step())) {
    std::string name(statement.text(0));
    std::string columns(statement.text(1));
    if (!fits(keys, "schema", note_of(name, as_bytes(columns)), statement.blob(2))) {
      return damaged("the keystore's list of tables was changed outside of this program");
    }
    notes.emplace(std::move(name), std::move(columns));
  }
  return notes;
}

Status write_schema(sqlite::Connection& connection, const Vault& vault, const std::string& table,
                    const std::string& columns) {
  const Bytes mac = mac_of(vault, "schema", note_of(table, as_bytes(columns)));
  sqlite::Statement statement =
      TRY(connection.prepare("INSERT OR REPLACE INTO tw_schema(name, columns, mac) VALUES(?1, ?2, ?3)"));
  statement.bind_text(1, table);
  statement.bind_text(2, columns);
  statement.bind_blob(3, mac);
  return statement.run();
}

Status rewrite_notes(sqlite::Connection& connection, const KeyView& keys, const Vault& vault) {
  Meta meta = TRY(read_meta(connection, keys));
  meta.format = kKeystoreFormat;
  const SchemaNotes schema = TRY(read_schema(connection, keys));
  TRY(write_meta(connection, vault, meta));
  for (const auto& [table, columns] : schema) TRY(write_schema(connection, vault, table, columns));
  return {};
}

}  // namespace tapewarden::store
