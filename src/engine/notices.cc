#include "engine/notices.h"

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace tapewarden::engine {
namespace {

struct Form {
  NoticeKind kind;
  NoticeClass notice_class;
  std::string_view code;
};
constexpr std::array kForms = {
    Form{NoticeKind::kDatabaseBackup, NoticeClass::kHostMessage, "TWE001I"},
    Form{NoticeKind::kKeyServerLost, NoticeClass::kIntervention, "TWE002A"},
    Form{NoticeKind::kNoKeyServer, NoticeClass::kCallHome, "TWE003S"},
    Form{NoticeKind::kDriveOffline, NoticeClass::kIntervention, "TWE004A"},
    Form{NoticeKind::kNoScratchCartridge, NoticeClass::kIntervention, "TWE005A"},
    Form{NoticeKind::kCacheFull, NoticeClass::kIntervention, "TWE006A"},
    Form{NoticeKind::kCartridgeDamaged, NoticeClass::kIntervention, "TWE007A"},
    Form{NoticeKind::kVolumeUnreadable, NoticeClass::kIntervention, "TWE008A"},
    Form{NoticeKind::kCartridgeOverdue, NoticeClass::kIntervention, "TWE009A"},
    Form{NoticeKind::kCatalogueRebuilt, NoticeClass::kHostMessage, "TWE010I"},
    Form{NoticeKind::kUnknownConstruct, NoticeClass::kHostMessage, "TWE011I"},
    Form{NoticeKind::kRekeyed, NoticeClass::kHostMessage, "TWE012I"},
    Form{NoticeKind::kRekeyRefused, NoticeClass::kIntervention, "TWE013A"},
    Form{NoticeKind::kCacheAway, NoticeClass::kIntervention, "TWE014A"},
    Form{NoticeKind::kHeldFromClear, NoticeClass::kIntervention, "TWE015A"},
    Form{NoticeKind::kPoolsHeld, NoticeClass::kIntervention, "TWE016A"},
    Form{NoticeKind::kDiskFull, NoticeClass::kIntervention, "TWE017A"},
};

const Form& form_of(NoticeKind kind) {
  const auto* found = std::ranges::find(kForms, kind, &Form::kind);
  TW_ASSERT(found != kForms.end());
  return *found;
}

}  // namespace

std::string_view code_of(NoticeKind kind) {
  return form_of(kind).code;
}
NoticeClass class_of(NoticeKind kind) {
  return form_of(kind).notice_class;
}

void Notices::put(Notice notice) {
  notice.number = ++last_;
  if (sink_ != nullptr) sink_->tell(notice);
  kept_.push_back(std::move(notice));
  if (kept_.size() > kNoticesKept) kept_.pop_front();
}

void Notices::say(NoticeKind kind, std::string subject, std::string text) {
  TW_ASSERT(class_of(kind) == NoticeClass::kHostMessage);
  const MutexLock lock(mutex_);
  put({.kind = kind, .subject = std::move(subject), .text = std::move(text), .at = clock_.wall_now()});
}

void Notices::raise(NoticeKind kind, std::string subject, std::string text) {
  TW_ASSERT(class_of(kind) != NoticeClass::kHostMessage);
  const MutexLock lock(mutex_);
  const auto key = std::pair(kind, subject);
  const auto found = open_.find(key);
  if (found != open_.end() && found->second.text == text) return;
  if (found == open_.end() && open_.size() >= kMaxInterventions) return;
  Notice notice{
      .kind = kind, .subject = std::move(subject), .text = std::move(text), .at = clock_.wall_now()};
  notice.number = last_ + 1;
  // What is still wrong has been so since it was raised first.
  auto standing = notice;
  if (found != open_.end()) standing.at = found->second.at;
  open_.insert_or_assign(key, std::move(standing));
  put(std::move(notice));
}

bool Notices::clear(NoticeKind kind, const std::string& subject, std::string text) {
  const MutexLock lock(mutex_);
  if (open_.erase({kind, subject}) == 0) return false;
  put({.kind = kind, .subject = subject, .text = std::move(text), .at = clock_.wall_now(), .cleared = true});
  return true;
}

std::vector<Notice> Notices::open() const {
  const MutexLock lock(mutex_);
  std::vector<Notice> out;
  for (const auto& [key, notice] : open_) out.push_back(notice);
  std::ranges::sort(out, {}, &Notice::number);
  return out;
}

std::vector<Notice> Notices::since(std::uint64_t number) const {
  const MutexLock lock(mutex_);
  std::vector<Notice> out;
  for (const auto& notice : kept_)
    if (notice.number > number) out.push_back(notice);
  return out;
}

std::string database_backup_text(const std::string& cartridge, bool encrypted) {
  return std::string("Database Backup written to ") + (encrypted ? "Encrypted " : "") + "Physical Tape " +
         cartridge;
}

}  // namespace tapewarden::engine
