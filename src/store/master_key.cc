#include "store/master_key.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace tapewarden::store {

namespace {

constexpr std::string_view kMagic = "TWMK";
// Its slots hold the master key itself, which has no version but the first.
constexpr std::uint16_t kFormatOfOneKey = 1;
// Its slots hold the file's own key, which seals the list of the master key's versions.
constexpr std::uint16_t kFormat = 2;
constexpr std::uint8_t kPassphraseSlot = 1;
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kSlotLimit = 16;
constexpr std::size_t kFileLimit = 64U << 10;
constexpr std::size_t kLaterSlotLimit = 8U << 10;
constexpr std::size_t kKeysLimit = 1U << 10;  // bytes of the sealed list
// Work of scrypt, n * r * p: 16 times what a new file asks for, a few seconds. The file is not authenticated
// before the work is done, so it must not be what says how long a server takes to start.
constexpr std::uint64_t kScryptWorkLimit = 1U << 22;

// A passphrase slot, or the bytes of one of another kind.
struct Slot {
  std::uint8_t kind = kPassphraseSlot;
  Bytes other;
  crypto::ScryptCost cost;
  std::array<std::uint8_t, kSaltBytes> salt{};
  Bytes box;

  // What the box authenticates besides its content.
  Bytes header(std::uint16_t format) const {
    return ByteWriter()
        .text(kMagic)
        .u16(format)
        .u8(kPassphraseSlot)
        .u64(cost.n)
        .u32(cost.r)
        .u32(cost.p)
        .bytes(salt)
        .take();
  }
  void write(ByteWriter& out) const {
    out.u8(kind);
    if (kind != kPassphraseSlot) {
      out.bytes16(other);
      return;
    }
    out.u64(cost.n).u32(cost.r).u32(cost.p).bytes(salt).bytes16(box);
  }
};

Result<Slot> take_slot(ByteReader& in) {
  Slot slot;
  slot.kind = TRY(in.u8("slot kind"));
  if (slot.kind != kPassphraseSlot) {
    slot.other = to_bytes(TRY(in.bytes16(kLaterSlotLimit, "slot of another kind")));
    return slot;
  }
  slot.cost.n = TRY(in.u64("scrypt n"));
  slot.cost.r = TRY(in.u32("scrypt r"));
  slot.cost.p = TRY(in.u32("scrypt p"));
  slot.salt = TRY(in.array<kSaltBytes>("salt"));
  slot.box = to_bytes(TRY(in.bytes16(256, "sealed key")));
  return slot;
}

bool affordable(const crypto::ScryptCost& cost) {
  // Divisions, since the products of hostile values overflow.
  if (cost.r == 0 || cost.p == 0 || cost.r > kScryptWorkLimit) return false;
  const std::uint64_t left = kScryptWorkLimit / cost.r;
  return cost.p <= left && cost.n <= left / cost.p;
}

// What stands in the file, nothing opened yet.
struct Content {
  std::uint16_t format = kFormat;
  std::vector<Slot> slots;
  Bytes keys;  // the sealed list; empty in kFormatOfOneKey
};

std::unexpected<Error> unreadable(const std::string& path, std::string_view what) {
  return fail(
      ErrorCode::kCorrupt, path + " " + std::string(what), "master_key_file",
      "put a good copy of this master-key file back, or restore the server from its newest backup (.twb)");
}

Result<Content> parse(ByteView bytes) {
  Content out;
  ByteReader in(bytes);
  (void)TRY(in.bytes(kMagic.size(), "magic"));
  out.format = TRY(in.u16("version"));
  const std::size_t slots = TRY(in.u8("slot count"));
  if (slots > kSlotLimit) return fail(ErrorCode::kCorrupt, "too many slots", "slot count");
  for (std::size_t i = 0; i < slots; ++i) out.slots.push_back(TRY(take_slot(in)));
  if (out.format == kFormat) out.keys = to_bytes(TRY(in.bytes16(kKeysLimit, "sealed keys")));
  TRY(in.expect_done("master-key file"));
  return out;
}

Result<Content> parse_file(const std::string& path, ByteView bytes) {
  ByteReader in(bytes);
  const auto magic = in.bytes(kMagic.size(), "magic");
  if (!magic || as_text(*magic) != kMagic) return unreadable(path, "is no master-key file");
  const auto format = in.u16("version");
  if (!format) return unreadable(path, "is cut off");
  if (*format > kFormat) {
    return fail(ErrorCode::kUnsupported, path + " was written by a newer release", "master_key_file",
                "use that release");
  }
  ByteView body = bytes;
  if (*format == kFormat) {
    constexpr std::size_t kSum = Hash256{}.size();
    if (bytes.size() < kSum) return unreadable(path, "is cut off");
    body = bytes.first(bytes.size() - kSum);
    if (!equal(crypto::sha256(body), bytes.last(kSum))) return unreadable(path, "is damaged or cut off");
  }
  auto content = parse(body);
  if (!content) return unreadable(path, "is damaged or cut off: " + content.error().message);
  return content;
}

// What the sealed list authenticates besides itself.
Bytes keys_header() {
  return ByteWriter().text(kMagic).u16(kFormat).text("keys").take();
}

constexpr std::size_t kEntryBytes = kKeyVersionBytes + crypto::kAesKeyBytes;

// u32 version and 32 bytes for each, in locked memory.
crypto::SecretBytes encode_keys(const MasterKeys& keys) {
  auto out = crypto::SecretBytes::zeros(keys.size() * kEntryBytes);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto entry = out.reveal_mutable().subspan(i * kEntryBytes, kEntryBytes);
    copy_bytes(entry.first(kKeyVersionBytes), ByteWriter().u32(keys[i].version).take());
    copy_bytes(entry.subspan(kKeyVersionBytes), keys[i].key.reveal());
  }
  return out;
}

Result<MasterKeys> decode_keys(const crypto::SecretBytes& list) {
  MasterKeys out;
  ByteReader in(list.reveal());
  while (!in.done()) {
    const KeyVersion version = TRY(in.u32("key version"));
    const ByteView key = TRY(in.bytes(crypto::kAesKeyBytes, "key"));
    if (version <= (out.empty() ? kFormWithoutVersion : out.back().version)) {
      return fail(ErrorCode::kCorrupt, "its versions are in no order");
    }
    out.push_back({version, crypto::SecretBytes::copy_of(key)});
  }
  if (out.empty() || out.size() > kKeyVersionsInFile) return fail(ErrorCode::kCorrupt, "it holds no key");
  return out;
}

}  // namespace

struct MasterKeyFile::State {
  Env env;
  std::string path;
  Content content;
  std::size_t slot = 0;  // the one that the passphrase opened
  crypto::SecretBytes
      stretched;  // opens that slot; kept for a file of one key alone, whose slot must be made anew
  crypto::SecretBytes own_key;  // seals the list; empty for a file of one key
  MasterKeys keys;
  Hash256 on_disk{};  // SHA-256 of the file as it was read or written last

  Status unlock(const crypto::SecretBytes& passphrase);
  Status open_with(crypto::SecretBytes opener, const Slot& from);
  Status bring_up();
  // After an error `on_disk` tells which of the two stands there.
  Status write(const MasterKeys& wanted);
  Error not_written(Error error, const Hash256& fresh);
};

// The opener is the stretched passphrase.
Status MasterKeyFile::State::open_with(crypto::SecretBytes opener, const Slot& from) {
  auto inside = TRY(crypto::open_box(opener, from.header(content.format), from.box));
  if (inside.size() != crypto::kAesKeyBytes) return fail(ErrorCode::kCorrupt, "no key");
  if (content.format == kFormatOfOneKey) {
    keys = first_version(inside);
    stretched = std::move(opener);
    return {};
  }
  own_key = std::move(inside);
  return {};
}

Status MasterKeyFile::State::unlock(const crypto::SecretBytes& passphrase) {
  std::size_t passed_over = 0;
  bool open = false;
  for (slot = 0; slot < content.slots.size(); ++slot) {
    const Slot& one = content.slots[slot];
    if (one.kind != kPassphraseSlot || !affordable(one.cost)) {
      ++passed_over;  // another slot may open
      continue;
    }
    auto opener = crypto::scrypt(passphrase, one.salt, one.cost, crypto::kAesKeyBytes);
    open = opener && open_with(std::move(*opener), one);
    if (open) break;
  }
  if (open && content.format == kFormatOfOneKey) return {};
  if (open) {
    const auto list = crypto::open_box(own_key, keys_header(), content.keys);
    auto found = list ? decode_keys(*list) : Result<MasterKeys>(std::unexpected(list.error()));
    if (!found) return unreadable(path, "is damaged: its list of keys does not open");
    keys = std::move(*found);
    return {};
  }
  const std::string others =
      passed_over == 0
          ? ""
          : " (" + std::to_string(passed_over) +
                " of its slots are of a later release's kind, or ask for more work than is done)";
  return fail(ErrorCode::kWrongKey, "the passphrase does not open " + path + others, "passphrase",
              "give the passphrase that was set for this keystore: the recovery kit has it, or whoever "
              "restored the server");
}

// A file of one key gets a key of its own, and its slot is made anew around that.
Status MasterKeyFile::State::bring_up() {
  if (content.format == kFormat) return {};
  if (content.slots.size() > 1) {
    return fail(ErrorCode::kUnsupported, path + " has slots that would be lost", "master_key_file",
                "rotate with the release that made them");
  }
  own_key = crypto::random_secret(*env.random, crypto::kAesKeyBytes);
  Slot& own = content.slots.at(slot);
  own.box = crypto::seal_box(stretched, own.header(kFormat), own_key.reveal(), *env.random);
  content.format = kFormat;
  return {};
}

Status MasterKeyFile::State::write(const MasterKeys& wanted) {
  if (on_disk != Hash256{}) {
    const Bytes now = TRY(read_file(*env.disk, path, kFileLimit));
    if (crypto::sha256(now) != on_disk) {
      return fail(ErrorCode::kConflict, path + " was changed by somebody else since it was read",
                  "master_key_file", "start the server again, so that it reads the file anew");
    }
  }
  content.keys = crypto::seal_box(own_key, keys_header(), encode_keys(wanted).reveal(), *env.random);
  ByteWriter out;
  out.text(kMagic).u16(kFormat).u8(static_cast<std::uint8_t>(content.slots.size()));
  for (const Slot& one : content.slots) one.write(out);
  out.bytes16(content.keys);
  out.bytes(crypto::sha256(out.view()));
  const Hash256 fresh = crypto::sha256(out.view());
  const Status written = write_file_atomically(*env.disk, path, out.view(), 0600);
  if (!written) return std::unexpected(not_written(written.error(), fresh));
  on_disk = fresh;
  return {};
}

// What the error left behind: the file may have been replaced, and only its folder not synced.
Error MasterKeyFile::State::not_written(Error error, const Hash256& fresh) {
  error.field = "master_key_file";
  error.remedy = "let the server's account write " + path + " and its folder";
  const auto found = read_file(*env.disk, path, kFileLimit);
  if (found && crypto::sha256(*found) == fresh) {
    on_disk = fresh;
    error.message =
        "the master-key file was replaced, but a power loss may bring back the one before: " + error.message;
    error.remedy += ", and look at its disk";
  } else {
    error.message = "the master-key file cannot be written: " + error.message;
  }
  return error;
}

MasterKeyFile::MasterKeyFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
MasterKeyFile::~MasterKeyFile() = default;

const std::string& MasterKeyFile::path() const {
  return state_->path;
}
const MasterKeys& MasterKeyFile::keys() const {
  return state_->keys;
}

namespace {

Result<Slot> passphrase_slot(Env env, const crypto::SecretBytes& passphrase, crypto::ScryptCost cost,
                             const crypto::SecretBytes& own_key) {
  if (!affordable(cost)) {
    return fail(ErrorCode::kInvalidArgument, "the scrypt cost is more than a start would spend", "cost");
  }
  Slot slot;
  slot.cost = cost;
  env.random->fill(slot.salt);
  const auto stretched = TRY(crypto::scrypt(passphrase, slot.salt, cost, crypto::kAesKeyBytes));
  slot.box = crypto::seal_box(stretched, slot.header(kFormat), own_key.reveal(), *env.random);
  return slot;
}

}  // namespace

Result<std::unique_ptr<MasterKeyFile>> MasterKeyFile::create(Env env, const std::string& path,
                                                             const crypto::SecretBytes& passphrase,
                                                             crypto::ScryptCost cost) {
  if (passphrase.empty()) return fail(ErrorCode::kInvalidArgument, "the passphrase is empty", "passphrase");
  if (env.disk->exists(path)) {
    return fail(ErrorCode::kAlreadyExists, path + " holds a master key already", "master_key_file",
                "use the existing one, or name another file");
  }
  auto state = std::make_unique<State>();
  state->env = env;
  state->path = path;
  state->own_key = crypto::random_secret(*env.random, crypto::kAesKeyBytes);
  state->content.slots.push_back(TRY(passphrase_slot(env, passphrase, cost, state->own_key)));
  state->keys = first_version(crypto::random_secret(*env.random, crypto::kAesKeyBytes));
  TRY(state->write(state->keys));
  return std::unique_ptr<MasterKeyFile>(new MasterKeyFile(std::move(state)));
}

Result<std::unique_ptr<MasterKeyFile>> MasterKeyFile::open(Env env, const std::string& path,
                                                           const crypto::SecretBytes& passphrase) {
  const Bytes bytes = TRY(read_file(*env.disk, path, kFileLimit));
  auto state = std::make_unique<State>();
  state->env = env;
  state->path = path;
  state->on_disk = crypto::sha256(bytes);
  state->content = TRY(parse_file(path, bytes));
  TRY(state->unlock(passphrase));
  return std::unique_ptr<MasterKeyFile>(new MasterKeyFile(std::move(state)));
}

Result<const VersionedKey*> MasterKeyFile::add_version() {
  State& state = *state_;
  if (state.keys.size() >= kKeyVersionsInFile) {
    return fail(ErrorCode::kConflict, state.path + " holds too many versions of the master key",
                "master_key_file", "let the rotation that goes on come to its end");
  }
  TRY(state.bring_up());
  MasterKeys wanted = copy_of(state.keys);
  wanted.push_back(
      {wanted.back().version + 1, crypto::random_secret(*state.env.random, crypto::kAesKeyBytes)});
  TRY(state.write(wanted));
  state.keys = std::move(wanted);
  return &state.keys.back();
}

Status MasterKeyFile::remove_before(KeyVersion version) {
  State& state = *state_;
  MasterKeys wanted = copy_of(state.keys);
  std::erase_if(wanted, [&](const VersionedKey& one) { return one.version < version; });
  TW_ASSERT(!wanted.empty() && wanted.front().version == version);
  TRY(state.bring_up());
  TRY(state.write(wanted));
  state.keys = std::move(wanted);
  return {};
}

Status MasterKeyFile::change_passphrase(const crypto::SecretBytes& passphrase, crypto::ScryptCost cost) {
  State& state = *state_;
  TRY(state.bring_up());
  const bool alone = state.content.slots.size() == 1;
  auto own_key =
      alone ? crypto::random_secret(*state.env.random, crypto::kAesKeyBytes) : state.own_key.clone();
  Slot fresh = TRY(passphrase_slot(state.env, passphrase, cost, own_key));
  const Slot before = std::exchange(state.content.slots.at(state.slot), std::move(fresh));
  auto key_before = std::exchange(state.own_key, std::move(own_key));
  const Hash256 disk_before = state.on_disk;
  const Status written = state.write(state.keys);
  if (written) return {};
  Error error = written.error();
  if (state.on_disk == disk_before) {
    state.content.slots.at(state.slot) = before;
    state.own_key = std::move(key_before);
    error.message += "; the old passphrase still opens it";
  } else {
    error.message += "; the new passphrase opens it";
    error.remedy += "; keep both passphrases, and change it once more";
  }
  return std::unexpected(std::move(error));
}

Result<crypto::SecretBytes> create_master_key(Env env, const std::string& path,
                                              const crypto::SecretBytes& passphrase,
                                              crypto::ScryptCost cost) {
  const auto file = TRY(MasterKeyFile::create(env, path, passphrase, cost));
  return file->keys().front().key.clone();
}

Result<MasterKeys> unlock_master_key(Disk& disk, const std::string& path,
                                     const crypto::SecretBytes& passphrase) {
  const auto file = TRY(MasterKeyFile::open({nullptr, &disk, nullptr, nullptr}, path, passphrase));
  return copy_of(file->keys());
}

namespace {

// systemd gives a service its credentials by an access list for the service's user, which shows as the right
// of the group to read (0440): the folder is that user's alone.
unsigned rights_of_others(const std::string& path) {
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");  // systemd.exec(5), "Credentials"
  const bool given = credentials != nullptr && *credentials == '/' &&
                     path.starts_with(std::string(credentials) + "/") &&
                     path.find("/../") == std::string::npos;
  return given ? 0037U : 0077U;
}

}  // namespace

Result<crypto::SecretBytes> read_passphrase_file(Disk& disk, const std::string& path) {
  const unsigned permissions = TRY(disk.permissions(path));
  if ((permissions & rights_of_others(path)) != 0) {
    return fail(ErrorCode::kPermissionDenied, "others may read the passphrase file " + path,
                "passphrase_file", "chmod 600 " + path);
  }
  const auto file = TRY(disk.open(path, OpenMode::kRead));
  auto buffer = crypto::SecretBytes::zeros(kPassphraseLimit);
  const std::size_t got = TRY(file->read_at(0, buffer.reveal_mutable()));
  const ByteView text = buffer.reveal().first(got);
  const auto end = std::ranges::find_if(text, [](std::uint8_t c) { return c == '\n' || c == '\r'; });
  auto passphrase = crypto::SecretBytes::copy_of(text.first(static_cast<std::size_t>(end - text.begin())));
  if (passphrase.empty())
    return fail(ErrorCode::kInvalidArgument, path + " has an empty first line", "passphrase_file");
  return passphrase;
}

}  // namespace tapewarden::store
