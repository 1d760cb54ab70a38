#include "net/tls_engine.h"

#include <algorithm>
#include <limits>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "crypto/openssl_handles.h"
#include "net/tls_verify.h"

namespace tapewarden::net {

namespace {

constexpr std::string_view kBindingLabel = "EXPORTER-Channel-Binding";
constexpr std::size_t kMaxRecordBytes = 16U << 10;

// The memory on both sides of OpenSSL: the ciphertext that came and the ciphertext that must go.
struct Pipe {
  ByteView input;
  Bytes output;
};

int pipe_read(BIO* bio, char* out, int size) {
  auto& pipe = *static_cast<Pipe*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  if (pipe.input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto count = std::min(pipe.input.size(), static_cast<std::size_t>(size));
  copy_bytes({reinterpret_cast<std::uint8_t*>(out), count}, pipe.input.first(count));
  pipe.input = pipe.input.subspan(count);
  return static_cast<int>(count);
}

int pipe_write(BIO* bio, const char* data, int size) {
  auto& pipe = *static_cast<Pipe*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size));
  pipe.output.insert(pipe.output.end(), bytes.begin(), bytes.end());
  return size;
}

long pipe_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* pipe_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tapewarden pipe");
    TW_ASSERT(made != nullptr);
    BIO_meth_set_read(made, pipe_read);
    BIO_meth_set_write(made, pipe_write);
    BIO_meth_set_ctrl(made, pipe_control);
    return made;
  }();
  return method;
}

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

bool refuses_our_certificate(int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return true;
    default:
      return false;
  }
}

std::string first_entry(const X509_NAME* name, int nid) {
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, value);
  if (size < 0) return {};
  std::string entry(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return entry;
}

}  // namespace

int verify_peer(int preverified, X509_STORE_CTX* chain) {
  if (preverified == 1) return 1;
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& verdict = *static_cast<PeerVerdict*>(SSL_get_app_data(ssl));
  const int error = X509_STORE_CTX_get_error(chain);
  const bool expired = error == X509_V_ERR_CERT_HAS_EXPIRED;
  if (verdict.allow_expired && (expired || error == X509_V_ERR_CERT_NOT_YET_VALID)) {
    (expired ? verdict.expired : verdict.not_yet_valid) = true;
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 1;
  }
  if (verdict.refusal.empty()) verdict.refusal = X509_verify_cert_error_string(error);
  return 0;
}

struct TlsEngine::State {
  TlsContext context;
  Pipe pipe;
  PeerVerdict verdict;
  std::unique_ptr<SSL, SslFree> ssl;
  Error error;
  TlsFailure failure = TlsFailure::kNone;
  std::uint64_t records_per_key = kRecordsPerKey;
  std::uint64_t records = 0;

  void prepare_client(const std::string& server_name);
  TlsProgress judge(int result);
  void explain();
};

void TlsEngine::State::prepare_client(const std::string& server_name) {
  SSL_set_connect_state(ssl.get());
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl.get());
  X509_VERIFY_PARAM_set_hostflags(rules,
                                  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, server_name.c_str()) == 1) return;
  // An empty or malformed name would switch the check off: then a name that nobody has is asked for.
  const bool good = !server_name.empty() &&
                    X509_VERIFY_PARAM_set1_host(rules, server_name.data(), server_name.size()) == 1 &&
                    SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) == 1;
  if (!good) TW_ASSERT(X509_VERIFY_PARAM_set1_host(rules, "invalid.invalid", 0) == 1);
}

// Sorts OpenSSL's last error into ours.
void TlsEngine::State::explain() {
  const unsigned long code = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(code);
  const char* text = ERR_reason_error_string(code);
  const std::string words = text == nullptr ? "unknown TLS error" : text;
  ERR_clear_error();
  failure = TlsFailure::kBroken;
  if (!verdict.refusal.empty()) {
    failure = TlsFailure::kUntrusted;
    error = {ErrorCode::kUnauthenticated, "the peer's certificate was refused: " + verdict.refusal,
             "certificate", "check its authority, names and validity, and this machine's clock"};
  } else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    failure = TlsFailure::kNoCertificate;
    error = {ErrorCode::kUnauthenticated, "the peer showed no certificate", "certificate",
             "give the client a certificate of a trusted authority"};
  } else if (refuses_our_certificate(reason)) {
    error = {ErrorCode::kUnauthenticated, "the peer refused our certificate: " + words, "certificate",
             "see the other end's log for the reason; a wrong port has this effect, too"};
  } else {
    error = {ErrorCode::kUnavailable, "TLS failed: " + words, "", ""};
  }
}

TlsProgress TlsEngine::State::judge(int result) {
  if (result > 0) return TlsProgress::kDone;
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return TlsProgress::kNeedInput;
    case SSL_ERROR_ZERO_RETURN:
      return TlsProgress::kClosed;
    default:
      explain();
      return TlsProgress::kFailed;
  }
}

TlsEngine::TlsEngine(const TlsContext& context, const std::string& server_name)
    : state_(std::make_unique<State>()) {
  auto& s = *state_;
  s.context = context;
  s.ssl.reset(SSL_new(TlsContextAccess::handle(context)));
  BIO* bio = BIO_new(pipe_method());
  TW_ASSERT(s.ssl != nullptr && bio != nullptr);
  BIO_set_data(bio, &s.pipe);
  BIO_set_init(bio, 1);
  SSL_set_bio(s.ssl.get(), bio, bio);  // takes the one reference for both directions
  s.verdict.allow_expired = TlsContextAccess::allows_expired_peers(context);
  SSL_set_app_data(s.ssl.get(), &s.verdict);
  if (TlsContextAccess::is_server(context))
    SSL_set_accept_state(s.ssl.get());
  else
    s.prepare_client(server_name);
}

TlsEngine::~TlsEngine() = default;

void TlsEngine::feed(ByteView ciphertext) {
  TW_ASSERT(state_->pipe.input.empty());
  state_->pipe.input = ciphertext;
}

bool TlsEngine::input_consumed() const {
  return state_->pipe.input.empty();
}

TlsProgress TlsEngine::handshake() {
  ERR_clear_error();
  return state_->judge(SSL_do_handshake(state_->ssl.get()));
}

TlsProgress TlsEngine::read(MutableByteView out, std::size_t& count) {
  ERR_clear_error();
  count = 0;
  return state_->judge(SSL_read_ex(state_->ssl.get(), out.data(), out.size(), &count));
}

bool TlsEngine::write(ByteView plaintext) {
  auto& s = *state_;
  if (plaintext.empty()) return true;
  s.records += plaintext.size() / kMaxRecordBytes + 1;
  if (s.records >= s.records_per_key && version() == TlsVersion::k13) {
    s.records = 0;
    SSL_key_update(s.ssl.get(), SSL_KEY_UPDATE_REQUESTED);  // goes out in front of the next record
  }
  ERR_clear_error();
  std::size_t written = 0;
  if (s.judge(SSL_write_ex(s.ssl.get(), plaintext.data(), plaintext.size(), &written)) != TlsProgress::kDone)
    return false;
  TW_ASSERT(written == plaintext.size());  // the pipe takes everything
  return true;
}

void TlsEngine::shutdown() {
  ERR_clear_error();
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

Bytes& TlsEngine::output() {
  return state_->pipe.output;
}
const Bytes& TlsEngine::output() const {
  return state_->pipe.output;
}
const Error& TlsEngine::error() const {
  return state_->error;
}
TlsFailure TlsEngine::failure() const {
  return state_->failure;
}

PeerInfo TlsEngine::peer() const {
  PeerInfo info;
  X509* handle = SSL_get1_peer_certificate(state_->ssl.get());
  if (handle == nullptr) return info;
  info.certificate = crypto::CertificateAccess::make(crypto::X509Ptr(handle));
  info.fingerprint = info.certificate.fingerprint();
  info.common_name = info.certificate.common_name();
  info.organizational_unit = first_entry(X509_get_subject_name(handle), NID_organizationalUnitName);
  info.expired = state_->verdict.expired;
  info.not_yet_valid = state_->verdict.not_yet_valid;
  return info;
}

ChannelBinding TlsEngine::channel_binding() const {
  ChannelBinding binding{};
  // Without the extended master secret a TLS 1.2 exporter can be made equal on two connections (RFC 7627).
  if (version() == TlsVersion::k12 && SSL_get_extms_support(state_->ssl.get()) != 1) return binding;
  static constexpr unsigned char kNoContext = 0;
  const int done = SSL_export_keying_material(state_->ssl.get(), binding.data(), binding.size(),
                                              kBindingLabel.data(), kBindingLabel.size(), &kNoContext, 0, 1);
  TW_ASSERT(done == 1);
  return binding;
}

TlsVersion TlsEngine::version() const {
  return SSL_version(state_->ssl.get()) == TLS1_3_VERSION ? TlsVersion::k13 : TlsVersion::k12;
}

void TlsEngine::set_records_per_key(std::uint64_t records) {
  state_->records_per_key = records;
}

}  // namespace tapewarden::net
