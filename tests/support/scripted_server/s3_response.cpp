#include "support/scripted_server/s3_response.hpp"

#include <utility>

namespace scabbard::scripted {

Response xml_response(XmlWriter xml) {
  Response response;
  response.headers.emplace_back("Content-Type", "application/xml");
  response.set_body(xml.finish());
  return response;
}

Response error_response(int status, std::string_view code, std::string_view message) {
  XmlWriter xml("Error");
  xml.text("Code", code).text("Message", message).text("RequestId", "SCRIPTED");
  Response response = xml_response(std::move(xml));
  response.status = status;
  return response;
}

Response failed_condition() { return error_response(412, "PreconditionFailed", "A precondition did not hold"); }

}  // namespace scabbard::scripted
