#include "people/tables.h"

#include "people/approval.h"
#include "people/person.h"

namespace tapewarden::people {

namespace {

constexpr std::size_t kSaltLimit = 64;
constexpr std::size_t kTextLimit = 512;  // of names and patterns

std::unexpected<Error> no(std::string why, std::string column) {
  return fail(ErrorCode::kPermissionDenied, std::move(why), std::move(column));
}

std::int64_t number(const store::Row& row, auto column) {
  return store::integer(row, static_cast<std::size_t>(column));
}
const std::string& words(const store::Row& row, auto column) {
  return store::text(row, static_cast<std::size_t>(column));
}
const Bytes& bytes(const store::Row& row, auto column) {
  return store::blob(row, static_cast<std::size_t>(column));
}

// What another server says of an account. Roles and passwords are changed at either server, so they pass;
// each is in the audit of this one.
Status check_account(const store::TableSpec&, const store::IncomingRow& in) {
  using enum PeopleColumn;
  if (TRY(canonical_name(words(in.row, kName))) != words(in.row, kName)) {
    return no("its name is not as it is stored", "name");
  }
  if (in.erased) return {};
  if (number(in.row, kRole) < 1 || number(in.row, kRole) > 3) return no("it has an unknown role", "role");
  const auto disabled = number(in.row, kDisabled);
  const bool fits = (disabled == 0 || disabled == 1) && bytes(in.row, kSalt).size() <= kSaltLimit &&
                    (bytes(in.row, kFingerprint).empty() || bytes(in.row, kFingerprint).size() == 32);
  if (!fits) return no("its values are out of range", "people");
  for (const auto column : {kScryptN, kScryptR, kScryptP, kCreated, kPasswordChanged, kGeneration}) {
    if (number(in.row, column) < 0) return no("its values are out of range", "people");
  }
  return {};
}

// A request is decided and used where it was asked: what comes from elsewhere is for people to see, and never
// consent to something here.
Status check_approval(const store::TableSpec&, const store::IncomingRow& in) {
  using enum ApprovalColumn;
  if (in.mine != nullptr && *in.mine == in.row) return {};
  if (bytes(in.row, kServer).size() != 16 || bytes(in.row, kDigest).size() != 32 ||
      words(in.row, kId).size() != 2 * kApprovalIdBytes ||
      words(in.row, kReason).size() > kApprovalReasonLimit ||
      words(in.row, kSummary).size() > kApprovalSummaryLimit) {
    return no("its values are out of range", "approval");
  }
  for (const auto column : {kServerName, kRequest, kAsker, kDecider}) {
    if (words(in.row, column).size() > kTextLimit) return no("its values are out of range", "approval");
  }
  for (const auto column : {kAskerGeneration, kDeciderGeneration, kAsked, kExpires, kDecided, kUsed}) {
    if (number(in.row, column) < 0) return no("its values are out of range", "approval");
  }
  if (number(in.row, kState) < 1 || number(in.row, kState) > 5) return no("it has an unknown state", "state");
  const Uuid server = Uuid::from(bytes(in.row, kServer));
  const bool over = number(in.row, kState) > static_cast<std::int64_t>(ApprovalState::kApproved);
  if (server == in.self && !(in.everything && over)) {
    return no("it is consent to something at this server", "server");
  }
  if (server == in.sender || in.everything) return {};
  return no("it is consent at another server than its own", "server");
}

}  // namespace

const store::TableSpec& people_table() {
  using enum store::ColumnType;
  using enum store::ColumnRole;
  static const store::TableSpec spec{
      .name = "people",
      .columns = {{"name", kText, kKey},
                  {"role", kInteger, kPlain},
                  {"disabled", kInteger, kPlain},
                  {"salt", kBlob, kPlain},
                  {"verifier", kBlob, kSecret},
                  {"scrypt_n", kInteger, kPlain},
                  {"scrypt_r", kInteger, kPlain},
                  {"scrypt_p", kInteger, kPlain},
                  {"fingerprint", kBlob, kPlain},
                  {"created_ms", kInteger, kPlain},
                  {"password_changed_ms", kInteger, kPlain},
                  {"generation", kInteger, kPlain}},
      .indexes = {"fingerprint"},
      .unique_indexes = {},
      .replicated = true,
      .peer = {.may_erase = true, .check = check_account},
  };
  return spec;
}

const store::TableSpec& approval_table() {
  using enum store::ColumnType;
  using enum store::ColumnRole;
  static const store::TableSpec spec{
      .name = "approval",
      .columns = {{"id", kText, kKey},
                  {"server", kBlob, kPlain},
                  {"server_name", kText, kPlain},
                  {"request", kText, kPlain},
                  {"digest", kBlob, kPlain},
                  {"summary", kText, kPlain},
                  {"asker", kText, kPlain},
                  {"asker_generation", kInteger, kPlain},
                  {"decider", kText, kPlain},
                  {"decider_generation", kInteger, kPlain},
                  {"state", kInteger, kPlain},
                  {"reason", kText, kPlain},
                  {"asked_ms", kInteger, kPlain},
                  {"expires_ms", kInteger, kPlain},
                  {"decided_ms", kInteger, kPlain},
                  {"used_ms", kInteger, kPlain}},
      .indexes = {"asked_ms, id", "state, expires_ms"},
      .unique_indexes = {},
      .replicated = true,
      .peer = {.fixed = {"server", "server_name", "request", "digest", "summary", "asker", "asker_generation",
                         "asked_ms", "expires_ms"},
               .check = check_approval},
  };
  return spec;
}

std::vector<const store::TableSpec*> tables() {
  return {&people_table(), &approval_table()};
}

}  // namespace tapewarden::people
