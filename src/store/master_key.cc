#include "store/master_key.h"

#include <algorithm>
#include <optional>

#include "crypto/aead.h"
#include "crypto/random.h"

namespace tapewarden::store {

namespace {

constexpr std::string_view kMagic = "TWMK";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint8_t kPassphraseSlot = 1;
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kSlotLimit = 16;
constexpr std::size_t kFileLimit = 64U << 10;
constexpr std::size_t kLaterSlotLimit = 8U << 10;
// Work of scrypt, n * r * p: 16 times what a new file asks for, a few seconds. The file is not authenticated
// before the work is done, so it must not be what says how long a server takes to start.
constexpr std::uint64_t kScryptWorkLimit = 1U << 22;

struct Slot {
  crypto::ScryptCost cost;
  std::array<std::uint8_t, kSaltBytes> salt{};
  Bytes box;

  // What the box authenticates besides the master key.
  Bytes header() const {
    return ByteWriter()
        .text(kMagic)
        .u16(kVersion)
        .u8(kPassphraseSlot)
        .u64(cost.n)
        .u32(cost.r)
        .u32(cost.p)
        .bytes(salt)
        .take();
  }
};

// Nothing for a slot of a kind that only a later release opens.
Result<std::optional<Slot>> take_slot(ByteReader& in) {
  if (TRY(in.u8("slot kind")) != kPassphraseSlot) {
    (void)TRY(in.bytes16(kLaterSlotLimit, "slot of another kind"));
    return std::nullopt;
  }
  Slot slot;
  slot.cost.n = TRY(in.u64("scrypt n"));
  slot.cost.r = TRY(in.u32("scrypt r"));
  slot.cost.p = TRY(in.u32("scrypt p"));
  slot.salt = TRY(in.array<kSaltBytes>("salt"));
  slot.box = to_bytes(TRY(in.bytes16(256, "sealed master key")));
  return slot;
}

bool affordable(const crypto::ScryptCost& cost) {
  // Divisions, since the products of hostile values overflow.
  if (cost.r == 0 || cost.p == 0 || cost.r > kScryptWorkLimit) return false;
  const std::uint64_t left = kScryptWorkLimit / cost.r;
  return cost.p <= left && cost.n <= left / cost.p;
}

}  // namespace

Result<crypto::SecretBytes> create_master_key(Env env, const std::string& path,
                                              const crypto::SecretBytes& passphrase,
                                              crypto::ScryptCost cost) {
  if (passphrase.empty()) return fail(ErrorCode::kInvalidArgument, "the passphrase is empty", "passphrase");
  if (env.disk->exists(path)) {
    return fail(ErrorCode::kAlreadyExists, path + " holds a master key already", "master_key_file",
                "use the existing one, or name another file");
  }
  if (!affordable(cost)) {
    return fail(ErrorCode::kInvalidArgument, "the scrypt cost is more than a start would spend", "cost");
  }
  Slot slot;
  slot.cost = cost;
  env.random->fill(slot.salt);
  const auto stretched = TRY(crypto::scrypt(passphrase, slot.salt, cost, crypto::kAesKeyBytes));
  auto master = crypto::random_secret(*env.random, crypto::kAesKeyBytes);
  slot.box = crypto::seal_box(stretched, slot.header(), master.reveal(), *env.random);
  ByteWriter out;
  out.text(kMagic).u16(kVersion).u8(1);
  out.u8(kPassphraseSlot).u64(cost.n).u32(cost.r).u32(cost.p).bytes(slot.salt).bytes16(slot.box);
  TRY(write_file_atomically(*env.disk, path, out.view(), 0600));
  return master;
}

Result<crypto::SecretBytes> unlock_master_key(Disk& disk, const std::string& path,
                                              const crypto::SecretBytes& passphrase) {
  const Bytes content = TRY(read_file(disk, path, kFileLimit));
  ByteReader in(content);
  if (as_text(TRY(in.bytes(kMagic.size(), "magic"))) != kMagic) {
    return fail(ErrorCode::kCorrupt, path + " is no master-key file", "master_key_file");
  }
  if (TRY(in.u16("version")) != kVersion) {
    return fail(ErrorCode::kUnsupported, path + " was written by a newer release", "master_key_file");
  }
  const std::size_t slots = TRY(in.u8("slot count"));
  if (slots > kSlotLimit) return fail(ErrorCode::kCorrupt, path + " names too many slots", "slot count");
  std::size_t passed_over = 0;
  for (std::size_t i = 0; i < slots; ++i) {
    const auto slot = TRY(take_slot(in));
    if (!slot || !affordable(slot->cost)) {
      ++passed_over;  // another slot may open
      continue;
    }
    const auto stretched = crypto::scrypt(passphrase, slot->salt, slot->cost, crypto::kAesKeyBytes);
    if (!stretched) continue;
    auto master = crypto::open_box(*stretched, slot->header(), slot->box);
    if (master && master->size() == crypto::kAesKeyBytes) return std::move(*master);
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

Result<crypto::SecretBytes> read_passphrase_file(Disk& disk, const std::string& path) {
  const unsigned permissions = TRY(disk.permissions(path));
  if ((permissions & 0077U) != 0) {
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
