#include "kmip/server/credential_check.h"

#include "crypto/kdf.h"
#include "crypto/random.h"
#include "kmip/enumerations.h"
#include "kmip/protocol.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr std::size_t kMarkKeyBytes = 32;
constexpr std::size_t kMarkBytes = 32;
constexpr unsigned kHashesAtOnce = 1;
constexpr unsigned kHashesWaiting = 8;

std::unexpected<Error> not_proved(std::string why) {
  return refuse(ResultReason::kAuthenticationNotSuccessful, std::move(why), "Credential");
}

// Gives its place back.
class Slot {
 public:
  explicit Slot(people::HashingSlots& slots) : slots_(slots) {}
  ~Slot() { slots_.release(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  people::HashingSlots& slots_;
};

}  // namespace

CredentialCheck::CredentialCheck(const Env& env)
    : key_(crypto::random_secret(*env.random, kMarkKeyBytes)),
      throttle_(*env.clock, {}),
      slots_(kHashesAtOnce, kHashesWaiting) {}

// Credentials of other kinds (a device, an attestation) prove nothing here and are passed over.
Result<CredentialCheck::Given> CredentialCheck::given_in(const std::vector<ttlv::Item>& credentials) {
  for (const auto& credential : credentials) {
    const auto type = credential.find(tag::kCredentialType);
    const auto value = credential.find(tag::kCredentialValue);
    if (!type || !value) return refuse(ResultReason::kInvalidMessage, "it is incomplete", "Credential");
    if (TRY(type->as_enumeration()) != static_cast<std::uint32_t>(CredentialType::kUsernameAndPassword)) {
      continue;
    }
    const auto user = value->find(tag::kUsername);
    const auto password = value->find(tag::kPassword);
    if (!user || !password) break;
    return Given{std::string(TRY(user->as_text())),
                 crypto::SecretBytes::copy_of(as_bytes(TRY(password->as_text())))};
  }
  return not_proved("this client must give its user and password besides its certificate");
}

crypto::SecretBytes CredentialCheck::mark_of(const keymgr::KmipClient& client, const Given& given) const {
  Bytes what = client.salt;
  const auto user = as_bytes(given.user);
  what.insert(what.end(), user.begin(), user.end());
  return crypto::hkdf_sha256(given.password, key_.reveal(), what, kMarkBytes);
}

bool CredentialCheck::is_known(const keymgr::KmipClient& client, const crypto::SecretBytes& mark) {
  const MutexLock lock(mutex_);
  const auto found = proved_.find(client.name);
  return found != proved_.end() && found->second == mark;
}

Status CredentialCheck::check_proved(const keymgr::KmipClient& client,
                                     const std::vector<ttlv::Item>& credentials) {
  if (client.user.empty()) return {};
  const auto given = TRY(given_in(credentials));
  if (given.user == client.user && is_known(client, mark_of(client, given))) return {};
  return not_proved("the user or the password is wrong");
}

Status CredentialCheck::prove(const keymgr::KmipClient& client, const people::PasswordVerifier& verifier,
                              const std::vector<ttlv::Item>& credentials, const std::string& address) {
  if (client.user.empty()) return {};
  const auto given = TRY(given_in(credentials));
  auto mark = mark_of(client, given);
  if (given.user == client.user && is_known(client, mark)) return {};
  const auto admission = throttle_.admit(client.name, address);
  if (admission.wait.count() > 0) {
    return not_proved("too many wrong passwords came from there: wait a minute and try again");
  }
  TRY(slots_.acquire());
  const Slot slot(slots_);
  const bool fits = TRY(people::fits(given.password, verifier));
  if (!fits || given.user != client.user) return not_proved("the user or the password is wrong");
  throttle_.succeeded(client.name, address);
  const MutexLock lock(mutex_);
  proved_.insert_or_assign(client.name, std::move(mark));
  return {};
}

}  // namespace tapewarden::kmip
