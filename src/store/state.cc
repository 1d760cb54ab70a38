#include "store/state.h"

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

// One row (name, content, mac) whose MAC is over name and content.
Hash256 mac_of(const Vault& vault, std::string_view what, std::string_view name, ByteView content) {
  ByteWriter writer;
  writer.bytes16(as_bytes(name)).bytes32(content);
  return vault.note_mac(what, writer.view());
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

Result<State> read_state(sqlite::Connection& connection, const Vault& vault) {
  sqlite::Statement statement = TRY(connection.prepare("SELECT content, mac FROM tw_state WHERE id = 1"));
  if (!TRY(statement.step())) return damaged("the keystore's state is missing");
  const ByteView content = statement.blob(0);
  if (!equal(statement.blob(1), vault.note_mac("state", content))) {
    return damaged("the keystore's state was changed outside of this program");
  }
  return decode(content);
}

Status write_state(sqlite::Connection& connection, const Vault& vault, const State& state) {
  const Bytes content = encode(state);
  const Hash256 mac = vault.note_mac("state", content);
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
  const Hash256 mac = mac_of(vault, "meta", name, value);
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
};

Result<NotesFound> collect_notes(sqlite::Connection& connection, const Vault& vault) {
  NotesFound found;
  sqlite::Statement statement = TRY(connection.prepare("SELECT name, value, mac FROM tw_meta"));
  while (TRY(statement.step())) {
    std::string name(statement.text(0));
    const Bytes value = to_bytes(statement.blob(1));
    if (equal(statement.blob(2), mac_of(vault, "meta", name, value))) {
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

Result<Meta> read_meta(sqlite::Connection& connection, const Vault& vault) {
  NotesFound found = TRY(collect_notes(connection, vault));
  // One misfit among fitting notes is damage; nothing that fits, not even the state, is another key.
  if (found.fitting == 0) {
    const auto state = read_state(connection, vault);
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
  Meta meta;
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

Result<SchemaNotes> read_schema(sqlite::Connection& connection, const Vault& vault) {
  SchemaNotes notes;
  sqlite::Statement statement = TRY(connection.prepare("SELECT name, columns, mac FROM tw_schema"));
  while (TRY(statement.step())) {
    std::string name(statement.text(0));
    std::string columns(statement.text(1));
    if (!equal(statement.blob(2), mac_of(vault, "schema", name, as_bytes(columns)))) {
      return damaged("the keystore's list of tables was changed outside of this program");
    }
    notes.emplace(std::move(name), std::move(columns));
  }
  return notes;
}

Status write_schema(sqlite::Connection& connection, const Vault& vault, const std::string& table,
                    const std::string& columns) {
  const Hash256 mac = mac_of(vault, "schema", table, as_bytes(columns));
  sqlite::Statement statement =
      TRY(connection.prepare("INSERT OR REPLACE INTO tw_schema(name, columns, mac) VALUES(?1, ?2, ?3)"));
  statement.bind_text(1, table);
  statement.bind_text(2, columns);
  statement.bind_blob(3, mac);
  return statement.run();
}

}  // namespace tapewarden::store
