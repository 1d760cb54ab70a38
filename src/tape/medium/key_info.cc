#include "tape/medium/key_info.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "tape/medium/area_codec.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape {

std::string_view to_string(KeyMethod method) {
  switch (method) {
    case KeyMethod::kNone:
      return "none";
    case KeyMethod::kIdentifiedKey:
      return "identified-key";
    case KeyMethod::kWrappedKey:
      return "wrapped-key";
  }
  return "unknown";
}

std::string_view to_string(SlotHealth health) {
  switch (health) {
    case SlotHealth::kNeverWritten:
      return "never written";
    case SlotHealth::kGood:
      return "good";
    case SlotHealth::kDamaged:
      return "damaged";
  }
  return "unknown";
}

bool KeyCopyHealth::good() const {
  return generation && !stale &&
         std::ranges::none_of(slots, [](auto slot) { return slot == SlotHealth::kDamaged; });
}

std::string KeyCopyHealth::text() const {
  const auto count = [this](SlotHealth health) { return std::ranges::count(slots, health); };
  const auto damaged = count(SlotHealth::kDamaged);
  if (!generation) return damaged == 0 ? "never written" : "cannot be read: its content is damaged";
  std::string out =
      (stale ? "readable but old, generation " : "good, generation ") + std::to_string(*generation);
  if (damaged != 0) out += "; its other slot is damaged";
  if (count(SlotHealth::kNeverWritten) != 0) out += "; its other slot is not in use yet";
  if (!good()) out += ": repair it";
  return out;
}

unsigned KeyInfoReport::damaged_copies() const {
  const auto damaged = [](const KeyCopyHealth& copy) {
    return copy.stale || std::ranges::count(copy.slots, SlotHealth::kDamaged) > 0;
  };
  return static_cast<unsigned>(std::ranges::count_if(copies, damaged));
}

Status check_key_info(const KeyInfo& info) {
  const auto limit = [](std::size_t size, std::size_t most, const char* field) -> Status {
    if (size <= most) return {};
    return fail(ErrorCode::kInvalidArgument,
                std::string(field) + " is longer than " + std::to_string(most) + " bytes", field);
  };
  if (info.eedks.size() > kMaxEedks) {
    return fail(ErrorCode::kInvalidArgument, "a cartridge holds at most two EEDKs", "eedks");
  }
  for (const Bytes& eedk : info.eedks) {
    if (eedk.empty()) return fail(ErrorCode::kInvalidArgument, "an EEDK is empty", "eedks");
    TRY(limit(eedk.size(), kMaxEedkBytes, "eedks"));
  }
  TRY(limit(info.signature.size(), kMaxSignatureBytes, "signature"));
  TRY(limit(info.akad.size(), kMaxKadBytes, "akad"));
  return limit(info.ukad.size(), kMaxKadBytes, "ukad");
}

Bytes encode_key_slot(const KeySlot& slot) {
  TW_ASSERT(check_key_info(slot.info).has_value());
  const KeyInfo& info = slot.info;
  ByteWriter out = begin_area(kKeyMagic);
  out.u64(slot.generation);
  out.u8(static_cast<std::uint8_t>(info.method)).u8(info.check_value ? 1 : 0);
  out.u8(static_cast<std::uint8_t>(info.eedks.size())).u8(0);
  out.bytes(info.check_value.value_or(KeyCheckValue{}));
  out.bytes16(info.akad).bytes16(info.ukad).bytes16(info.signature);
  for (const Bytes& eedk : info.eedks) out.bytes16(eedk);
  return finish_area(std::move(out), kKeySlotBytes);
}

namespace {

Result<KeySlot> read_key_slot(ByteView bytes) {
  ByteReader in = TRY(open_area(bytes, kKeyMagic, kKeySlotBytes, "key area"));
  KeySlot out;
  out.generation = TRY(read_generation(in, "key area"));
  const auto method = TRY(in.u8("method"));
  const auto has_check_value = TRY(in.u8("check value flag"));
  const std::size_t eedks = TRY(in.u8("number of EEDKs"));
  if (method > 2 || has_check_value > 1 || eedks > kMaxEedks) {
    return fail(ErrorCode::kCorrupt, "key area has a value out of range", "key area");
  }
  out.info.method = static_cast<KeyMethod>(method);
  TRY(in.skip(1, "reserved"));
  const auto check_value = TRY(in.array<16>("check value"));
  if (has_check_value == 1) out.info.check_value = check_value;
  out.info.akad = to_bytes(TRY(in.bytes16(kMaxKadBytes, "A-KAD")));
  out.info.ukad = to_bytes(TRY(in.bytes16(kMaxKadBytes, "U-KAD")));
  out.info.signature = to_bytes(TRY(in.bytes16(kMaxSignatureBytes, "signature")));
  for (std::size_t i = 0; i < eedks; ++i) {
    out.info.eedks.push_back(to_bytes(TRY(in.bytes16(kMaxEedkBytes, "EEDK"))));
    if (out.info.eedks.back().empty()) return fail(ErrorCode::kCorrupt, "an EEDK is empty", "key area");
  }
  return out;
}

}  // namespace

Result<KeySlot> decode_key_slot(ByteView bytes) {
  auto slot = read_key_slot(bytes);
  if (!slot && slot.error().code == ErrorCode::kInvalidArgument) slot.error().code = ErrorCode::kCorrupt;
  return slot;
}

}  // namespace tapewarden::tape
