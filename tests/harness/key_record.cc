#include "harness/key_record.h"

#include <map>
#include <set>

namespace tapewarden::testing {

namespace {

std::string describe(const KeyRecord::Entry& entry) {
  const auto* key = std::get_if<dkx::IdentifiedKey>(&entry.answer.to_hold);
  return "volume " + entry.request.volume.text() + (key != nullptr ? " alias " + key->alias : " EEDKs") +
         " ledger row " + std::to_string(entry.answer.ledger.sequence);
}

void note(KeyRecord::Loss& loss, std::size_t& counter, const std::string& text) {
  ++counter;
  if (loss.first.empty()) loss.first = text;
}

}  // namespace

KeyLoad::Sink KeyRecord::sink() {
  return [this](const dkx::KeyRequest& request, const dkx::AnswerBody& body) { add(request, body); };
}

void KeyRecord::add(const dkx::KeyRequest& request, const dkx::AnswerBody& body) {
  const std::lock_guard lock(mutex_);
  if (const auto* refusal = std::get_if<dkx::Refusal>(&body)) {
    ++refused_;
    last_refusal_ = eedk::to_string(refusal->code) + " " + refusal->message;
  } else if (const auto* answer = std::get_if<dkx::KeyAnswer>(&body)) {
    entries_.push_back({request, *answer, {}, false});
  } else if (std::holds_alternative<dkx::ConfirmAnswer>(body)) {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
      if (entry->request.request_id != request.confirmation->request) continue;
      entry->confirmed = true;
      break;
    }
  }
}

std::size_t KeyRecord::acknowledged() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::string KeyRecord::last_refusal() const {
  const std::lock_guard lock(mutex_);
  return last_refusal_;
}

Status KeyRecord::open_all() {
  const std::lock_guard lock(mutex_);
  for (auto& entry : entries_) {
    if (entry.key.empty()) entry.key = TRY(drive_.open(entry.request, entry.answer));
  }
  return {};
}

std::optional<dkx::KeyRequest> KeyRecord::next_confirm() {
  const std::lock_guard lock(mutex_);
  if (next_confirm_ >= entries_.size()) return std::nullopt;
  const Entry& entry = entries_[next_confirm_++];
  return drive_.confirm(entry.request, entry.answer);
}

void KeyRecord::for_each(const std::function<void(const Entry&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) visit(entry);
}

Status KeyRecord::verify_key(DriveLink& link, const Entry& entry, Loss& loss) const {
  const auto read = link.serve(
      drive_, drive_.again(dkx::Intent::kRead, ServedKey{entry.request, entry.answer, entry.key.clone()}));
  if (!read) {
    note(loss, loss.unreadable, describe(entry) + ": " + read.error().text());
    // A refusal carries an EKM code; anything else means that the connection is of no more use.
    return read.error().detail == 0 ? Status(std::unexpected(read.error())) : Status{};
  }
  if (!(read->data_key == entry.key)) note(loss, loss.wrong_key, describe(entry) + ": another key");
  return {};
}

Status KeyRecord::verify_ledger(RestClient& rest, const Entry& entry, Loss& loss) const {
  const auto page = TRY(rest.get("/v1/ledger?limit=1000&volume=" + entry.request.volume.text()));
  for (const auto& row : page.at("items").as_array()) {
    const bool same = row.at("server").as_string() == entry.answer.ledger.server.text() &&
                      row.at("sequence").to_number<std::uint64_t>() == entry.answer.ledger.sequence;
    if (!same) continue;
    if (entry.confirmed && row.at("state").as_string() != "confirmed") {
      note(loss, loss.not_confirmed, describe(entry) + ": the confirmation is lost");
    }
    return {};
  }
  note(loss, loss.no_ledger, describe(entry) + ": no ledger row");
  return {};
}

Result<KeyRecord::Loss> KeyRecord::verify(TestSite& site, Which which, std::size_t from) {
  TRY(open_all());
  const std::lock_guard lock(mutex_);
  Loss loss;
  auto link = TRY(DriveLink::connect(site, which));
  for (std::size_t i = from; i < entries_.size(); ++i) {
    TRY(verify_key(link, entries_[i], loss));
    TRY(verify_ledger(site.rest(which), entries_[i], loss));
  }
  return loss;
}

std::vector<std::string> KeyRecord::handed_out_twice() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::set<Uuid>> volumes;
  for (const auto& entry : entries_) {
    if (const auto* key = std::get_if<dkx::IdentifiedKey>(&entry.answer.to_hold)) {
      volumes[key->alias].insert(entry.request.volume);
    }
  }
  std::vector<std::string> out;
  for (const auto& [alias, taken] : volumes) {
    if (taken.size() > 1) out.push_back(alias);
  }
  return out;
}

}  // namespace tapewarden::testing
