#include "kmip/client/tape_trial.h"

#include <optional>

#include "base/concat.h"
#include "crypto/secret_bytes.h"
#include "kmip/client/server_end.h"
#include "kmip/enumerations.h"
#include "kmip/names.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;
using ttlv::Tag;
using ttlv::Writer;

constexpr std::int32_t kKeyBits = 256;
constexpr ProtocolVersion kAlternativeNameSince{1, 2};

using Asked = ServerEnd::Question;

struct Answered {
  bool good = false;
  std::string why;
  std::vector<std::string> ids;
  crypto::SecretBytes key;
};

crypto::SecretBytes key_in(const Item& payload) {
  std::optional<Item> at = payload;
  for (const auto below : {tag::kSymmetricKey, tag::kKeyBlock, tag::kKeyValue, tag::kKeyMaterial}) {
    at = at->find(below);
    if (!at) return {};
  }
  const auto bytes = at->as_bytes();
  return bytes ? crypto::SecretBytes::copy_of(*bytes) : crypto::SecretBytes();
}

Result<Answered> read_item(const Item& item) {
  Answered out;
  const auto status = item.find(tag::kResultStatus);
  if (!status) return fail(ErrorCode::kCorrupt, "a batch item has no Result Status");
  out.good = TRY(status->as_enumeration()) == static_cast<std::uint32_t>(ResultStatus::kSuccess);
  out.why = TRY(refusal_in(item));
  const auto payload = item.find(tag::kResponsePayload);
  if (!payload) return out;
  for (const Item child : payload->children()) {
    if (child.tag() == tag::kUniqueIdentifier) out.ids.emplace_back(TRY(child.as_text()));
  }
  out.key = key_in(*payload);
  return out;
}

Result<std::vector<Answered>> read_answer(ByteView message) {
  const auto document = TRY(ttlv::decode(message, {}, tag_name));
  if (document.root().tag() != tag::kResponseMessage) {
    return fail(ErrorCode::kCorrupt, "the answer is no KMIP response");
  }
  std::vector<Answered> out;
  for (const Item item : document.root().children()) {
    if (item.tag() == tag::kBatchItem) out.push_back(TRY(read_item(item)));
  }
  return out;
}

// What a cartridge's key is made with and found by.
class Cartridge {
 public:
  Cartridge(const ProtocolVersion& version, std::string data, std::string barcode)
      : version_(version), data_(std::move(data)), barcode_(std::move(barcode)) {}

  Asked create() const {
    return {Operation::kCreate, [this](Writer& out) {
              out.add_enumeration(tag::kObjectType, ObjectType::kSymmetricKey);
              out.begin(version_.is_2() ? tag::kAttributes : tag::kTemplateAttribute);
              enumeration(out, tag::kCryptographicAlgorithm, "Cryptographic Algorithm",
                          static_cast<std::uint32_t>(CryptographicAlgorithm::kAES));
              integer(out, tag::kCryptographicLength, "Cryptographic Length", kKeyBits);
              integer(out, tag::kCryptographicUsageMask, "Cryptographic Usage Mask",
                      static_cast<std::int32_t>(CryptographicUsageMask::kEncrypt) |
                          static_cast<std::int32_t>(CryptographicUsageMask::kDecrypt));
              application_data(out);
              if (version_ >= kAlternativeNameSince) alternative_name(out);
              out.end();
            }};
  }
  Asked locate() const {
    return {Operation::kLocate, [this](Writer& out) {
              if (version_.is_2()) out.begin(tag::kAttributes);
              enumeration(out, tag::kObjectType, "Object Type",
                          static_cast<std::uint32_t>(ObjectType::kSymmetricKey));
              application_data(out);
              if (version_.is_2()) out.end();
            }};
  }

 private:
  // 2.x: the item itself; 1.x: Attribute {name, value}.
  void attribute(Writer& out, Tag own, std::string_view name, const std::function<void(Tag)>& value) const {
    if (version_.is_2()) return value(own);
    out.begin(tag::kAttribute).add_text(tag::kAttributeName, name);
    value(tag::kAttributeValue);
    out.end();
  }
  void enumeration(Writer& out, Tag own, std::string_view name, std::uint32_t value) const {
    attribute(out, own, name, [&](Tag tag) { out.add_enumeration(tag, value); });
  }
  void integer(Writer& out, Tag own, std::string_view name, std::int32_t value) const {
    attribute(out, own, name, [&](Tag tag) { out.add_integer(tag, value); });
  }
  void application_data(Writer& out) const {
    attribute(out, tag::kApplicationSpecificInformation, "Application Specific Information", [&](Tag tag) {
      out.begin(tag).add_text(tag::kApplicationNamespace, "LIBRARY-LTO");
      out.add_text(tag::kApplicationData, data_).end();
    });
  }
  void alternative_name(Writer& out) const {
    attribute(out, tag::kAlternativeName, "Alternative Name", [&](Tag tag) {
      out.begin(tag).add_text(tag::kAlternativeNameValue, barcode_);
      out.add_enumeration(tag::kAlternativeNameType, AlternativeNameType::kUninterpretedTextString).end();
    });
  }

  ProtocolVersion version_;
  std::string data_;
  std::string barcode_;
};

Asked by_id(Operation operation, const std::string& id = {}) {
  return {operation, [id](Writer& out) {
            if (!id.empty()) out.add_text(tag::kUniqueIdentifier, id);
          }};
}

class Trial {
 public:
  Trial(const Exchange& exchange, std::string mark) : exchange_(exchange), mark_(std::move(mark)) {}

  std::vector<TrialFinding> run() {
    const Status done = try_all();
    if (!done) found("the connection", done.error().text());
    return std::move(findings_);
  }

 private:
  Result<std::vector<Answered>> ask(const std::vector<Asked>& batch) {
    auto message = TRY(exchange_(request_of(version_, nullptr, batch)));
    auto answers = read_answer(message);
    crypto::wipe(message);
    auto out = TRY(std::move(answers));
    if (out.empty()) return fail(ErrorCode::kCorrupt, "the answer has no batch item");
    // A message that was refused as a whole, or a batch that ended at its first failure.
    while (out.size() < batch.size()) out.push_back({false, out.front().why, {}, {}});
    return out;
  }
  void found(std::string what, std::string why) {
    const bool works = why.empty();
    findings_.push_back({std::move(what), works, std::move(why)});
  }
  // The first reason for which one of them failed; empty: none did.
  static std::string first_why(const std::vector<Answered>& answers) {
    for (const auto& answer : answers) {
      if (!answer.good) return answer.why.empty() ? "refused" : answer.why;
    }
    return {};
  }

  Status try_versions() {
    std::optional<ProtocolVersion> newest;
    for (const auto& version : kVersions) {
      version_ = version;
      const auto answers =
          TRY(ask({{Operation::kQuery, [](Writer& out) {
                      out.add_enumeration(tag::kQueryFunction, QueryFunction::kQueryOperations);
                    }}}));
      if (answers.front().good && !newest) newest = version;
      found(concat("KMIP ", to_string(version)), first_why(answers));
    }
    if (newest) version_ = *newest;
    spoken_ = newest.has_value();
    return {};
  }

  // A new cartridge: its key in one batch, as the profile has it.
  Status make(const Cartridge& cartridge, Answered& made) {
    auto answers = TRY(ask({cartridge.create(), by_id(Operation::kGet)}));
    auto why = first_why(answers);
    made = std::move(answers[1]);
    made.ids = answers[0].ids;
    if (made.ids.size() == 1) ids_.push_back(made.ids.front());
    if (why.empty() && made.key.size() != kKeyBits / 8) why = "the key has another length";
    made.good = why.empty();
    made.why = why;
    return {};
  }

  Status try_keys() {
    const Cartridge one(version_, mark_ + "01", "TRIAL1");
    const Cartridge two(version_, mark_ + "02", "TRIAL2");
    const Cartridge none(version_, mark_ + "03", "TRIAL3");
    Answered first;
    TRY(make(one, first));
    found(concat("a key is made and got in one batch (", to_string(version_), ")"), first.why);
    if (!first.good) return {};
    const auto found_one = TRY(ask({one.locate(), by_id(Operation::kGet)}));
    found("it is found by its application data", why_not_that(found_one, first));
    Answered second;
    TRY(make(two, second));
    found("a second one is another key",
          second.good && second.key == first.key ? "it is the same" : second.why);
    const auto again = TRY(ask({one.locate(), by_id(Operation::kGet)}));
    found("the first is still found, not the newest", why_not_that(again, first));
    const auto nothing = TRY(ask({none.locate(), by_id(Operation::kGet)}));
    found("where nothing is found, no key is given",
          nothing[1].key.empty() ? "" : "A WRONG KEY: the server gives one that was not asked for");
    return try_ends();
  }
  static std::string why_not_that(const std::vector<Answered>& answers, const Answered& wanted) {
    const auto why = first_why(answers);
    if (!why.empty()) return why;
    return answers[1].key == wanted.key ? "" : "A WRONG KEY: the server gives another cartridge's";
  }

  Status try_ends() {
    for (const auto& id : ids_) {
      const auto answers = TRY(ask({by_id(Operation::kDestroy, id)}));
      found("it is destroyed", first_why(answers));
      const auto gone = TRY(ask({by_id(Operation::kGet, id)}));
      found("and not given any more", gone.front().key.empty() ? "" : "the server still gives it");
    }
    return {};
  }

  Status try_all() {
    TRY(try_versions());
    return spoken_ ? try_keys() : Status();
  }

  const Exchange& exchange_;
  const std::string mark_;
  ProtocolVersion version_ = kNewest;
  bool spoken_ = false;
  std::vector<std::string> ids_;  // of the keys that were made
  std::vector<TrialFinding> findings_;
};

}  // namespace

std::vector<TrialFinding> try_tape_profile(const Exchange& exchange, const std::string& mark) {
  return Trial(exchange, mark).run();
}

}  // namespace tapewarden::kmip
