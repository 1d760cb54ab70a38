#include "iscsi/chap.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::iscsi {

namespace {

constexpr std::size_t kChallengeBytes = 32;
constexpr std::size_t kMaxChallengeBytes = 1024;  // RFC 7143 section 12.1.3
constexpr std::size_t kMaxAccountName = 223;

std::optional<crypto::ChapDigest> digest_of(std::string_view number) {
  using enum crypto::ChapDigest;
  for (const auto digest : {kMd5, kSha1, kSha256, kSha3})
    if (number == std::to_string(static_cast<unsigned>(digest))) return digest;
  return std::nullopt;
}

std::unexpected<Error> missing(std::string_view key) {
  return fail(ErrorCode::kInvalidArgument, "the initiator did not send " + std::string(key),
              std::string(key));
}

}  // namespace

Chap::Chap(const Authentication& authentication, Random& random)
    : authentication_(authentication), random_(random) {}

Status Chap::step(const Text& in, Text& out) {
  if (state_ == State::kMethod) {
    const auto* algorithms = in.find("CHAP_A");
    if (algorithms == nullptr) return {};  // it comes with the next request
    return challenge(*algorithms, out);
  }
  if (state_ == State::kChallenged) return verify(in, out);
  return {};
}

Status Chap::challenge(const std::string& algorithms, Text& out) {
  for (const auto& number : split(algorithms, ',')) {
    const auto digest = digest_of(number);
    if (!digest || (*digest == crypto::ChapDigest::kMd5 && !authentication_.allow_md5)) continue;
    digest_ = *digest;
    challenge_.resize(kChallengeBytes);
    random_.fill(challenge_);
    random_.fill(MutableByteView(&identifier_, 1));
    out.add("CHAP_A", number);
    out.add("CHAP_I", std::to_string(identifier_));
    out.add("CHAP_C", format_binary(challenge_));
    state_ = State::kChallenged;
    return {};
  }
  return fail(ErrorCode::kUnauthenticated, "no CHAP digest of the initiator is accepted here", "CHAP_A",
              "let the initiator offer SHA3-256 or SHA256");
}

// An unknown name costs the same as a wrong secret and looks the same.
Status Chap::verify(const Text& in, Text& out) {
  const auto* name = in.find("CHAP_N");
  const auto* response = in.find("CHAP_R");
  if (name == nullptr) return missing("CHAP_N");
  if (response == nullptr) return missing("CHAP_R");
  const auto given = TRY(parse_binary(*response, kMaxChallengeBytes));
  const auto account = std::ranges::find(authentication_.initiators, *name, &ChapAccount::name);
  const bool known = account != authentication_.initiators.end();
  const auto& secret = known ? account->secret : authentication_.initiators.front().secret;
  const auto wanted = TRY(crypto::chap_response(digest_, identifier_, secret, challenge_));
  if (!crypto::equal_constant_time(given, wanted) || !known)
    return fail(ErrorCode::kUnauthenticated,
                "the initiator gave a wrong CHAP name or secret (name '" + escape_unprintable(*name) + "')",
                "CHAP_R", "compare the accounts on both sides");
  TRY(prove(in, out));
  name_ = *name;
  state_ = State::kDone;
  return {};
}

Status Chap::prove(const Text& in, Text& out) const {
  const auto* identifier = in.find("CHAP_I");
  const auto* challenge = in.find("CHAP_C");
  if (identifier == nullptr && challenge == nullptr) return {};
  if (identifier == nullptr) return missing("CHAP_I");
  if (challenge == nullptr) return missing("CHAP_C");
  if (!authentication_.target)
    return fail(ErrorCode::kUnauthenticated, "the initiator asks for the target's proof, which is not set up",
                "CHAP_C", "give the target an account of its own, or do not ask for it");
  const auto number = TRY(parse_numerical(*identifier));
  const auto bytes = TRY(parse_binary(*challenge, kMaxChallengeBytes));
  if (number > 255 || bytes.empty())
    return fail(ErrorCode::kInvalidArgument, "the initiator's challenge is not one", "CHAP_C");
  if (equal(bytes, challenge_))
    return fail(ErrorCode::kUnauthenticated, "the initiator sent our own challenge back", "CHAP_C");
  const auto& own = *authentication_.target;
  const auto proof =
      TRY(crypto::chap_response(digest_, static_cast<std::uint8_t>(number), own.secret, bytes));
  out.add("CHAP_N", own.name);
  out.add("CHAP_R", format_binary(proof));
  return {};
}

namespace {

Status check_account(const ChapAccount& account, const std::string& where) {
  if (account.name.empty() || account.name.size() > kMaxAccountName || !is_printable(account.name))
    return fail(ErrorCode::kInvalidArgument, "a CHAP name is empty, too long or not printable",
                where + ".name");
  if (account.secret.size() < kMinChapSecretBytes || account.secret.size() > kMaxChapSecretBytes)
    return fail(ErrorCode::kInvalidArgument, "the CHAP secret of " + account.name + " has a wrong length",
                where + ".secret",
                "take " + std::to_string(kMinChapSecretBytes) + " to " + std::to_string(kMaxChapSecretBytes) +
                    " characters");
  return {};
}

}  // namespace

Status check_authentication(const Authentication& authentication, const std::string& where) {
  for (const auto& account : authentication.initiators) {
    TRY(check_account(account, where + ".initiators"));
    if (std::ranges::count(authentication.initiators, account.name, &ChapAccount::name) > 1)
      return fail(ErrorCode::kInvalidArgument, "two CHAP accounts are named " + account.name,
                  where + ".initiators");
  }
  if (!authentication.target) return {};
  TRY(check_account(*authentication.target, where + ".target"));
  if (authentication.initiators.empty())
    return fail(ErrorCode::kInvalidArgument, "a target proves itself only to initiators that do so too",
                where + ".initiators", "add the initiators' accounts");
  for (const auto& account : authentication.initiators)
    if (account.secret == authentication.target->secret)
      return fail(ErrorCode::kInvalidArgument, "both sides have the same CHAP secret",
                  where + ".target.secret", "take another one for each side (RFC 7143 section 9.2.1)");
  return {};
}

}  // namespace tapewarden::iscsi
