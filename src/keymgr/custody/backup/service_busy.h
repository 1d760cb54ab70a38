// For the files that Service is made of.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "keymgr/custody/backup/service.h"

namespace tapewarden::keymgr::backup {

// Claims a target for one run or verification.
class Service::Busy {
 public:
  Busy(Service& service, std::string name) : service_(service), name_(std::move(name)) {}
  ~Busy() {
    if (!held_) return;
    const MutexLock lock(service_.mutex_);
    std::erase(service_.busy_, name_);
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  Status take() {
    const MutexLock lock(service_.mutex_);
    if (std::ranges::find(service_.busy_, name_) != service_.busy_.end()) {
      return fail(ErrorCode::kConflict, "a run or a verification of the target " + name_ + " is under way",
                  "name", "wait until it is done");
    }
    service_.busy_.push_back(name_);
    held_ = true;
    return {};
  }

 private:
  Service& service_;
  const std::string name_;
  bool held_ = false;
};

}  // namespace tapewarden::keymgr::backup
