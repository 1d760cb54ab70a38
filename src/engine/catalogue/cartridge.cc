#include "engine/catalogue/cartridge.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine {

namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

Status check_text(std::string_view text, std::size_t limit, const std::string& field) {
  if (text.size() <= limit && is_printable(text)) return {};
  return fail(ErrorCode::kInvalidArgument,
              "the " + field + " has up to " + std::to_string(limit) + " printable ASCII characters", field);
}

}  // namespace

std::string_view to_string(MediumKind kind) {
  return kind == MediumKind::kLto ? "LTO" : "3592";
}

std::string_view to_string(CartridgeState state) {
  static constexpr std::array<std::string_view, 8> kNames{"scratch", "filling",        "full",    "closed",
                                                          "damaged", "awaiting-erase", "ejected", "exported"};
  return kNames.at(static_cast<std::size_t>(state));
}

bool readable(CartridgeState state) {
  return state == CartridgeState::kFilling || state == CartridgeState::kFull ||
         state == CartridgeState::kClosed;
}

std::string_view to_string(MediumEncryption encryption) {
  static constexpr std::array<std::string_view, 4> kNames{"unknown", "clear", "wrapped", "identified"};
  return kNames.at(static_cast<std::size_t>(encryption));
}

std::string_view to_string(LabelMode mode) {
  return mode == LabelMode::kClear ? "clear" : "hash";
}

Status check_barcode(std::string_view barcode, std::string_view field) {
  const auto fits = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (!barcode.empty() && barcode.size() <= kMaximumBarcodeCharacters && std::ranges::all_of(barcode, fits))
    return {};
  return fail(ErrorCode::kInvalidArgument, "a barcode has 1 to 32 characters of A-Z and 0-9",
              std::string(field));
}

Status check_label(const KeyLabel& label, std::string_view field) {
  const std::string& text = label.text;
  if (text.empty()) return {};
  if (text.size() <= kMaximumKeyLabelCharacters && is_printable(text) && text.front() != ' ' &&
      text.back() != ' ')
    return {};
  return fail(ErrorCode::kInvalidArgument,
              "a label has 1 to 64 printable ASCII characters, no blank at its ends", std::string(field),
              "use a label of a KEK at the key servers");
}

namespace {

Status check_rekey(const PhysicalVolume& cartridge) {
  const auto& labels = cartridge.rekey.labels;
  TRY(check_label(labels[0], "rekey label 1"));
  TRY(check_label(labels[1], "rekey label 2"));
  if (!cartridge.rekey.wanted() && !labels[1].text.empty())
    return fail(ErrorCode::kInvalidArgument, "a second new label comes without the first", "rekey label 1");
  if (!cartridge.rekey.wanted() || cartridge.encryption == MediumEncryption::kWrapped) return {};
  return fail(ErrorCode::kInvalidArgument,
              "the physical volume " + cartridge.barcode + " has no wrapped key that others could open",
              "encryption", "only cartridges written with key labels get others");
}

// What is scratch, takes more or is to be erased is overwritten.
Status check_unexamined(const PhysicalVolume& cartridge) {
  const bool kept = cartridge.state != CartridgeState::kScratch &&
                    cartridge.state != CartridgeState::kFilling &&
                    cartridge.state != CartridgeState::kAwaitingErase;
  if (!cartridge.unexamined || kept) return {};
  return fail(
      ErrorCode::kConflict,
      "the physical volume " + cartridge.barcode +
          " may hold more than is known: it was not read when the catalogue was rebuilt, or has a content "
          "that "
          "was not taken",
      "barcode",
      "rebuild the catalogue with it; or eject it, withdraw it, and insert it as a new one to have it "
      "overwritten");
}

}  // namespace

Status check(const PhysicalVolume& cartridge) {
  TRY(check_barcode(cartridge.barcode));
  if (cartridge.pool > kMaximumPool || cartridge.home_pool > kMaximumPool ||
      cartridge.move.target_pool > kMaximumPool)
    return fail(ErrorCode::kInvalidArgument, "pools are numbered from 0 to 32", "pool");
  if (cartridge.medium > kLargest || cartridge.written_bytes > kMaximumBytes)
    return fail(ErrorCode::kInvalidArgument, "a number of the cartridge is out of range", "written bytes");
  TRY(check_label(cartridge.labels[0], "label 1"));
  TRY(check_label(cartridge.labels[1], "label 2"));
  TRY(check_rekey(cartridge));
  TRY(check_unexamined(cartridge));
  TRY(check_text(cartridge.alias, kMaximumKeyAliasCharacters, "alias"));
  TRY(check_text(cartridge.library, kMaximumLibraryNameCharacters, "library"));
  return check_text(cartridge.note, kMaximumNoteCharacters, "note");
}

}  // namespace tapewarden::engine
