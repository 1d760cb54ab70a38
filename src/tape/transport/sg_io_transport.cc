#include "tape/transport/sg_io_transport.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utility>

#include "tape/transport/sg_packet.h"

namespace tapewarden::tape {
namespace {

class OpenDevice {
 public:
  explicit OpenDevice(int number) : number_(number) {}
  ~OpenDevice() { ::close(number_); }
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

Error open_error(const std::string& path, int reason) {
  const std::string message = "cannot open " + path + ": " + std::strerror(reason);
  switch (reason) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      return fail(ErrorCode::kNotFound, message, "device", "lsscsi -g lists the drives of this host").error();
    case EACCES:
    case EPERM:
      return fail(ErrorCode::kPermissionDenied, message, "device", "run as a member of the group tape")
          .error();
    case EBUSY:
      return fail(ErrorCode::kConflict, message, "device", "end the other use of the drive").error();
    default:
      return fail(ErrorCode::kIo, message, "device").error();
  }
}

// Where the device hangs, by /sys/dev/char; empty when the system does not tell.
std::string sysfs_path(dev_t device) {
  std::error_code ignored;
  const auto link = "/sys/dev/char/" + std::to_string(major(device)) + ":" + std::to_string(minor(device));
  return std::filesystem::canonical(link, ignored).string();
}

}  // namespace

bool is_local_bus(std::string_view path) {
  // USB/IP: the kernel shows a device of another host at a controller of its own that is no hardware.
  if (path.find("/vhci_hcd") != std::string_view::npos) return false;
  // SCSI over RDMA and Fibre Channel over Ethernet: the cable is the network's.
  for (const auto* host : {"/srp_host/", "/infiniband_srp/", "/srp-", "/fcoe", "/ctlr_"})
    if (path.find(host) != std::string_view::npos) return false;
  constexpr std::string_view kSession = "/session";  // of the class iscsi_session
  for (auto at = path.find(kSession); at != std::string_view::npos; at = path.find(kSession, at + 1)) {
    const auto digit = at + kSession.size();
    if (digit < path.size() && path[digit] >= '0' && path[digit] <= '9') return false;
  }
  return path.starts_with("/sys/devices/");
}

SgIoTransport::SgIoTransport(SgSubmit submit, bool local) : submit_(std::move(submit)), local_(local) {}
SgIoTransport::~SgIoTransport() = default;

Result<std::unique_ptr<SgIoTransport>> SgIoTransport::open(const std::string& path) {
  // Not blocking: a tape device can be opened without a cartridge.
  const int number = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (number < 0) return std::unexpected(open_error(path, errno));
  const auto device = std::make_shared<OpenDevice>(number);
  struct stat facts{};
  if (::fstat(number, &facts) != 0) return std::unexpected(open_error(path, errno));
  if (!S_ISCHR(facts.st_mode))
    return fail(ErrorCode::kInvalidArgument, path + " is no device", "device", "name /dev/sgN or /dev/nstN");
  const SgSubmit submit = [device](sg_io_hdr& header) {
    return ::ioctl(device->number(), SG_IO, &header) == 0 ? 0 : errno;
  };
  return std::make_unique<SgIoTransport>(submit, is_local_bus(sysfs_path(facts.st_rdev)));
}

Result<TransportAnswer> SgIoTransport::execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                               std::chrono::milliseconds timeout) {
  const auto packet = TRY(SgPacket::pack(cdb, data_out, data_in_limit, timeout));
  const int reason = submit_(packet->header());
  if (reason == ENOTTY)
    return fail(ErrorCode::kInvalidArgument, "the device takes no SCSI commands", "device",
                "name /dev/sgN or /dev/nstN of a tape drive");
  if (reason == EINVAL || reason == ENOMEM)
    return fail(ErrorCode::kUnsupported, "the kernel does not carry this command, perhaps for its length",
                "device", "use smaller blocks");
  if (reason != 0)
    return fail(ErrorCode::kIo, std::string("SG_IO failed: ") + std::strerror(reason), "device");
  return std::move(*packet).unpack();
}

}  // namespace tapewarden::tape
