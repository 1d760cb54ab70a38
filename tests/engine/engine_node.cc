#include "engine/engine_node.h"

#include <random>

#include "base/text.h"
#include "harness/loopback.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/sense_codes.h"

namespace tapewarden::testing {
namespace {

constexpr std::uint16_t kFirstSlot = 1000;
constexpr std::uint16_t kFirstDrive = 500;
constexpr auto kLongPatience = std::chrono::seconds{60};
// Volumes that together leave the cache as good as no room while they are mounted.
constexpr std::string_view kLargeVolume = "SQZ001";  // 800 MiB
constexpr std::string_view kSmallVolume = "SQZ002";  // 400 MiB

std::uint16_t drive_element(unsigned lun) {
  return static_cast<std::uint16_t>(kFirstDrive + lun - 1);
}

std::string shown(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

}  // namespace

Bytes noise(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes out(bytes);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes; ++i, word >>= 8U) {
    if (i % 8 == 0) word = random();
    out[i] = static_cast<std::uint8_t>(word & 0xffU);
  }
  return out;
}

Result<std::unique_ptr<EngineNode>> EngineNode::of_site(TestSite& site) {
  std::unique_ptr<EngineNode> node(new EngineNode());
  node->site_ = &site;
  node->taped_ = TRY(TapedProcess::of_site(site.directory()));
  const auto ports = free_ports(1);
  if (ports.empty()) return fail(ErrorCode::kIo, "no free ports");
  TRY(node->taped_->edit_config("port = 0\ncertificate",
                                "port = " + std::to_string(ports[0]) + "\ncertificate"));
  for (const auto* person : {"operator", "officer-1"})
    node->people_[person] =
        TRY(RestClient::make(site.loop(), site.disk(), ports[0], site.path(std::string("people/") + person),
                             site.path("engine/tls/authorities.crt")));
  return node;
}

Status EngineNode::start() {
  host_.reset();
  TRY(taped_->start());
  host_ = TRY(Initiator::connect(taped_->login()));
  return {};
}

Status EngineNode::stop() {
  host_.reset();
  if (const auto status = TRY(taped_->stop()); status != 0)
    return fail(ErrorCode::kInternal, "tapewarden-taped ended with " + std::to_string(status) + ": " + log());
  return {};
}

void EngineNode::kill_hard() {
  taped_->kill_hard();
  host_.reset();
}

std::string EngineNode::text(const std::string& target, std::string_view field) {
  const auto body = look(target);
  if (!body) return body.error().text();
  const auto* found = body->as_object().if_contains(field);
  return found == nullptr ? "no " + std::string(field) : shown(*found);
}

std::vector<std::string> EngineNode::column(const std::string& target, std::string_view field) {
  const auto body = look(target);
  if (!body) return {body.error().text()};
  std::vector<std::string> out;
  for (const auto& item : body->at("items").as_array()) out.push_back(shown(item.at(field)));
  return out;
}

Status EngineNode::set_pool(int pool, const json::object& settings) {
  (void)TRY(as("officer-1").patch("/v1/pools/" + std::to_string(pool), settings));
  return {};
}

Status EngineNode::insert_volumes(const std::string& volsers, const json::object& more) {
  json::object body{{"volsers", volsers}, {"size_mib", 400}};
  for (const auto& [name, value] : more) body[name] = value;
  (void)TRY(as("operator").post("/v1/volumes", body));
  return {};
}

Status EngineNode::insert_cartridges(const std::string& barcodes, int pool) {
  (void)TRY(
      as("operator").post("/v1/physical-volumes", json::object{{"barcodes", barcodes}, {"pool", pool}}));
  return {};
}

Result<std::uint16_t> EngineNode::element(const std::string& volser) {
  const auto place = text("/v1/volumes/" + volser, "place");
  const auto words = split(place, ' ');
  if (words.size() != 2 || words[0] != "slot")
    return fail(ErrorCode::kConflict, volser + " is in no slot: " + place);
  return static_cast<std::uint16_t>(kFirstSlot + TRY(parse_number(words[1], 1, 1000, "place")) - 1);
}

Result<bool> EngineNode::move(std::uint16_t from, std::uint16_t to) {
  const auto moved = TRY(host_->run_past_attentions(0, scsi::MoveMedium{0, from, to, false}.encode()));
  if (!moved.good()) return fail(ErrorCode::kConflict, "the changer: " + moved.sense.text());
  return true;
}

Status EngineNode::load(const std::string& volser, unsigned lun) {
  const auto from = TRY(element(volser));
  (void)TRY(move(from, drive_element(lun)));
  elements_[volser] = from;
  return {};
}

Status EngineNode::unload(const std::string& volser, unsigned lun) {
  (void)TRY(move(drive_element(lun), elements_.at(volser)));
  return {};
}

scsi::SenseCode EngineNode::readiness(unsigned lun) {
  const auto told = host_->run_past_attentions(lun, Bytes(6, 0));
  return told ? told->sense.code : scsi::sense_codes::kUnitOffline;
}

Status EngineNode::wait_until_ready(unsigned lun) {
  const bool ready = eventually([&] { return readiness(lun) == scsi::SenseCode{}; }, kLongPatience);
  if (ready) return {};
  return fail(ErrorCode::kTimeout, "the drive does not become ready: " + log());
}

Status EngineNode::write(ByteView data, unsigned lun) {
  TRY(wait_until_ready(lun));
  for (; !data.empty(); data = data.subspan(std::min(kBlock, data.size()))) {
    const auto block = data.first(std::min(kBlock, data.size()));
    const scsi::Write6 cdb{.transfer_length = static_cast<std::uint32_t>(block.size())};
    const auto wrote =
        TRY(host_->run_past_attentions(lun, cdb.encode(), 0, Bytes(block.begin(), block.end())));
    if (!wrote.good()) return fail(ErrorCode::kConflict, "writing: " + wrote.sense.text());
  }
  const auto marked = TRY(host_->run_past_attentions(lun, scsi::WriteFilemarks{.count = 1}.encode()));
  if (!marked.good()) return fail(ErrorCode::kConflict, "the filemark: " + marked.sense.text());
  return {};
}

Result<Bytes> EngineNode::read(std::size_t bytes, unsigned lun) {
  TRY(wait_until_ready(lun));
  if (!TRY(host_->run_past_attentions(lun, scsi::Rewind{}.encode())).good())
    return fail(ErrorCode::kConflict, "the tape does not rewind");
  Bytes out;
  while (out.size() < bytes) {
    const scsi::Read6 cdb{.suppress_incorrect_length = true, .transfer_length = kBlock};
    const auto block = TRY(host_->run_past_attentions(lun, cdb.encode(), kBlock));
    if (!block.good() || block.data_in.empty())
      return fail(ErrorCode::kConflict, "reading: " + block.sense.text());
    out.insert(out.end(), block.data_in.begin(), block.data_in.end());
  }
  return out;
}

Status EngineNode::save(const std::string& volser, ByteView data) {
  TRY(load(volser));
  TRY(write(data));
  return unload(volser);
}

Result<Bytes> EngineNode::restore(const std::string& volser, std::size_t bytes) {
  TRY(load(volser));
  auto data = TRY(read(bytes));
  TRY(unload(volser));
  return data;
}

Status EngineNode::wait_until_copied(const std::string& volser) {
  const bool copied = eventually(
      [&] {
        const auto volume = look("/v1/volumes/" + volser);
        return volume && volume->at("due") == 0 && volume->at("residence") == "premigrated";
      },
      kLongPatience);
  if (copied) return {};
  return fail(ErrorCode::kTimeout, volser + " was not copied: " + log());
}

Status EngineNode::evict(const std::vector<std::string>& volsers) {
  if (!look("/v1/volumes/" + std::string(kSmallVolume))) {
    TRY(insert_volumes(std::string(kLargeVolume), {{"size_mib", 800}}));
    TRY(insert_volumes(std::string(kSmallVolume)));
  }
  TRY(load(std::string(kLargeVolume), 1));
  TRY(load(std::string(kSmallVolume), 2));
  const bool gone = eventually([&] {
    return std::ranges::all_of(volsers, [&](const auto& volser) { return residence(volser) == "migrated"; });
  });
  TRY(wait_until_ready(1));
  TRY(wait_until_ready(2));
  TRY(unload(std::string(kSmallVolume), 2));
  TRY(unload(std::string(kLargeVolume), 1));
  if (gone) return {};
  return fail(ErrorCode::kTimeout, "they do not leave the cache: " + log());
}

}  // namespace tapewarden::testing
