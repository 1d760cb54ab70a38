#include "iscsi/testing/bench.h"

#include "base/assert.h"
#include "base/crc32c.h"

namespace tapewarden::iscsi::testing {

namespace {

constexpr std::size_t kPool = 1U << 20;

const Opening opening_of(const SessionTable::Grant& grant, FlowMemory memory) {
  return {.tsih = grant.tsih, .nexus = grant.nexus, .memory = std::move(memory)};
}

}  // namespace

void ManualQueue::post(Job job, bool urgent) {
  if (urgent)
    jobs_.push_front(std::move(job));
  else
    jobs_.push_back(std::move(job));
}

bool ManualQueue::run_one() {
  if (jobs_.empty()) return false;
  const auto job = std::move(jobs_.front());
  jobs_.pop_front();
  job(*unit_);
  return true;
}

scsi::Response ScriptedUnit::execute(const scsi::Command& command) {
  seen.push_back({to_bytes(command.cdb), command.nexus, to_bytes(command.data_out)});
  const auto answer = answers.find(command.cdb[0]);
  if (answer != answers.end()) return answer->second;
  auto response = scsi::good();
  response.data_out_used = command.data_out.size();
  return response;
}

ServerConfig Bench::default_config() {
  ServerConfig config;
  config.targets.push_back({.name = kTargetName, .alias = "a target"});
  return config;
}

Bench::Bench(ServerConfig with)
    : config(std::move(with)),
      sessions(std::make_shared<SessionTable>(config.limits.max_sessions, config.events)),
      memory(std::make_shared<MemoryBudget>(config.limits.total_memory)) {
  TW_ASSERT(config.targets.size() == 1);
  time += std::chrono::hours{1};
  endpoint_.emplace(*this, config, sim_.random, "127.0.0.1:3260");
}

// What is posted and queued may refer to the endpoint: it goes first, as a stream's thread would have it.
Bench::~Bench() {
  endpoint_.reset();
  run();
}

Status Bench::feed(ByteView bytes) {
  while (!bytes.empty()) {
    const auto want = endpoint_->want();
    TW_ASSERT(!want.empty());
    if (bytes.size() < want.size()) return {};  // a PDU that never comes to its end
    copy_bytes(want, bytes.first(want.size()));
    bytes = bytes.subspan(want.size());
    TRY(endpoint_->filled());
  }
  return {};
}

Status Bench::feed(const Header& header, ByteView data, ByteView ahs) {
  return feed(encode_pdu(header, data, digests_, ahs));
}

std::vector<Pdu> Bench::take() {
  std::vector<Pdu> pdus;
  const auto bytes = std::exchange(output_, {});
  ByteView rest = bytes;
  while (!rest.empty()) {
    const Header header(rest.first(kHeaderBytes));
    const bool plain = header.is(Opcode::kLoginResponse);  // never with digests
    std::size_t at = kHeaderBytes;
    if (digests_.header && !plain) {
      TW_ASSERT(digest_value(rest.subspan(at, kDigestBytes)) == crc32c(rest.first(kHeaderBytes)));
      at += kDigestBytes;
    }
    const auto size = header.data_bytes();
    const auto data = rest.subspan(at, size);
    at += size;
    const auto padding = rest.subspan(at, padding_of(size));
    for (const auto byte : padding) TW_ASSERT(byte == 0);
    at += padding.size();
    if (digests_.data && !plain && size > 0) {
      TW_ASSERT(digest_value(rest.subspan(at, kDigestBytes)) == crc32c(padding, crc32c(data)));
      at += kDigestBytes;
    }
    pdus.push_back({header, to_bytes(data)});
    rest = rest.subspan(at);
  }
  return pdus;
}

Pdu Bench::one() {
  auto pdus = take();
  return pdus.size() == 1 ? std::move(pdus.front()) : Pdu{};
}

void Bench::run() {
  bool some = true;
  while (some) {
    some = queue->run_one();
    some = other_queue->run_one() || some;
    while (!posted_->empty()) {
      const auto task = std::move(posted_->front());
      posted_->pop_front();
      task();
      some = true;
    }
  }
}

LoginResponse Bench::login_step(LoginRequest request, const std::vector<KeyValue>& keys) {
  Text text;
  for (const auto& [key, value] : keys) text.add(key, value);
  request.task_tag = 77;
  request.isid = {0x00, 0x02, 0x3d, 0x00, 0x00, 0x01};
  request.cmd_sn = cmd_sn;
  const auto fed = feed(encode_pdu(request.encode(), text.encode()));
  if (!fed) return {.status = LoginStatus::kInvalidDuringLogin};
  const auto answer = one();
  if (!answer.header.is(Opcode::kLoginResponse)) return {.status = LoginStatus::kInvalidDuringLogin};
  login_text_ = Text::parse(answer.data).value_or(Text());
  if (outcome) digests_ = outcome->agreed.digests;
  return LoginResponse::decode(answer.header);
}

LoginResponse Bench::login(const std::vector<KeyValue>& keys, bool discovery) {
  std::vector<KeyValue> all = {{"InitiatorName", kInitiatorName}};
  if (discovery)
    all.push_back({"SessionType", "Discovery"});
  else
    all.push_back({"TargetName", kTargetName});
  all.insert(all.end(), keys.begin(), keys.end());
  return login_step({.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature}, all);
}

ScsiCommandPdu Bench::command(ByteView cdb, std::uint32_t expected, bool write) {
  ScsiCommandPdu pdu{.read = expected > 0 && !write,
                     .write = write,
                     .task_tag = next_tag(),
                     .expected_bytes = expected,
                     .cmd_sn = cmd_sn++,
                     .cdb = to_bytes(cdb)};
  if (pdu.cdb.size() < kCdbBytes) pdu.cdb.resize(kCdbBytes);
  return pdu;
}

void Bench::send(net::StreamPiece piece) {
  for (const auto part : {ByteView(piece.head), piece.body, ByteView(piece.tail)})
    output_.insert(output_.end(), part.begin(), part.end());
}

void Bench::end(Error reason, bool) {
  ended = std::move(reason);
}

std::function<void(Surroundings::Task)> Bench::poster() {
  return [posted = posted_](Task task) { posted->push_back(std::move(task)); };
}

Result<Opening> Bench::open_session(const LoginOutcome& login) {
  auto units = std::make_shared<UnitMap>();
  if (!login.discovery) *units = {{0, queue}, {5, other_queue}};
  SessionInfo info{.nexus = {}, .initiator = login.initiator, .isid = login.isid};
  info.target = login.discovery ? std::string() : login.target->name;
  auto grant = TRY(sessions->open(std::move(info), std::move(units), [](const Error&) {}));
  outcome = login;
  nexus = grant.nexus;
  // The units are told who came, before anything that a test looks at.
  while (queue->run_one()) continue;
  while (other_queue->run_one()) continue;
  return opening_of(grant, {.session = std::make_shared<MemoryBudget>(config.limits.session_memory),
                            .all = memory,
                            .pool = std::make_shared<BufferPool>(kPool)});
}

}  // namespace tapewarden::iscsi::testing
