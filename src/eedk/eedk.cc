#include "eedk/eedk.h"

#include "base/assert.h"
#include "base/text.h"
#include "eedk/tags.h"

namespace tapewarden::eedk {

namespace {

constexpr std::int32_t kEedkVersion = 1;
constexpr ttlv::Limits kEedkLimits{.bytes = kMaxEedkBytes, .depth = 1, .items = 8};

Result<KekLabel> read_label(ttlv::Cursor& in) {
  if (in.next_is(kTagLabelHash)) return HashLabel{TRY(in.array<32>(kTagLabelHash))};
  const auto text = TRY(in.text(kTagLabel, kMaxLabelBytes));
  TRY(check_label(text, "label"));
  return ClearLabel{std::string(text)};
}

Result<Eedk> read_fields(ttlv::Cursor in) {
  Eedk out;
  (void)TRY(in.integer(kTagVersion, kEedkVersion, kEedkVersion));
  out.algorithm = TRY(in.enumeration(kTagWrapAlgorithm, WrapAlgorithm{1}, WrapAlgorithm{0xFFFF}));
  out.label = TRY(read_label(in));
  out.wrapped = to_bytes(TRY(in.bytes(kTagWrappedKey, kMaxWrappedKeyBytes)));
  if (out.wrapped.empty())
    return fail(ErrorCode::kInvalidArgument, "the wrapped key is empty", "wrapped key");
  TRY(in.finish());
  return out;
}

}  // namespace

std::string_view to_string(LabelMode mode) {
  return mode == LabelMode::kClear ? "clear" : "hash";
}

LabelMode mode_of(const KekLabel& label) {
  return std::holds_alternative<ClearLabel>(label) ? LabelMode::kClear : LabelMode::kHash;
}

std::string to_string(const KekLabel& label) {
  if (const auto* clear = std::get_if<ClearLabel>(&label)) return clear->text;
  return "sha256:" + to_hex(std::get<HashLabel>(label).spki);
}

Status check_label(std::string_view text, std::string_view field) {
  if (!text.empty() && text.size() <= kMaxLabelBytes && is_printable(text) && text.front() != ' ' &&
      text.back() != ' ') {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              "a label has 1 to 64 printable ASCII characters, no blank at its ends", std::string(field),
              "use the label as `tapewarden kek list` shows it");
}

Bytes oaep_label(const Uuid& volume) {
  ByteWriter out;
  out.text("tapewarden eedk").bytes(volume.view());
  return out.take();
}

void write(ttlv::Writer& out, const Eedk& eedk) {
  TW_ASSERT(!eedk.wrapped.empty() && eedk.wrapped.size() <= kMaxWrappedKeyBytes);
  out.begin(kTagEedk).add_integer(kTagVersion, kEedkVersion);
  out.add_enumeration(kTagWrapAlgorithm, eedk.algorithm);
  if (const auto* clear = std::get_if<ClearLabel>(&eedk.label)) {
    TW_ASSERT(check_label(clear->text, "label").has_value());
    out.add_text(kTagLabel, clear->text);
  } else {
    out.add_bytes(kTagLabelHash, std::get<HashLabel>(eedk.label).spki);
  }
  out.add_bytes(kTagWrappedKey, eedk.wrapped).end();
}

Result<Eedk> read_eedk(ttlv::Cursor& in) {
  return read_fields(TRY(in.structure(kTagEedk)));
}

Bytes encode(const Eedk& eedk) {
  ttlv::Writer out;
  write(out, eedk);
  return out.take();
}

Result<Eedk> decode_eedk(ByteView bytes) {
  const auto document = TRY(ttlv::decode(bytes, kEedkLimits, tag_name));
  return read_fields(TRY(ttlv::Cursor::over(document.root(), kTagEedk)));
}

}  // namespace tapewarden::eedk
