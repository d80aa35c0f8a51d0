//! A request as a handler sees it.

use bytes::Bytes;
use http::{HeaderMap, Method, header::CONTENT_TYPE};

use super::HandlerError;
use crate::rails::{
    multipart::{Multipart, MultipartError},
    params::{Params, method_override},
    query::Query,
    string::to_i,
};

/// A request as a handler sees it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method on the wire.
    pub method: Method,
    /// `request.base_url` as the buyer knows it: scheme, host and, unless it is the scheme's own,
    /// port. Empty where the request names no host.
    pub base_url: String,
    /// The path's raw bytes, without the query.
    pub path: String,
    /// The route's `{name}`s with their values, decoded.
    pub params: Vec<(String, String)>,
    /// The query's raw bytes, without `?`; empty when there is none.
    pub query: String,
    /// The header fields as the client sent them.
    pub headers: HeaderMap,
    /// The body, whole; empty when there is none. A longer one than the route's `limits.buffer` is
    /// the monolith's.
    pub body: Bytes,
}

/// A request's parameters, and what they say of its method.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    /// `params`: of the body, the query and the path.
    pub(crate) all: Params,
    /// `request.request_method`: a form's `_method` may name another than the one on the wire.
    pub(crate) method: Method,
}

impl Parameters {
    /// The route's method in Rails. A form may name another, which another action answers.
    ///
    /// # Errors
    /// [`HandlerError::Declined`] when it is another.
    pub(crate) fn expect(&self, method: &Method) -> Result<(), HandlerError> {
        let expected = self.method == *method;
        expected.then_some(()).ok_or(HandlerError::Declined("the form names another method"))
    }
}

/// What a body's bytes are.
enum Kind {
    Nothing,
    Form,
    Multipart,
    Json,
}

impl Request {
    /// The query's parameters, read as Rails reads them before it runs any action; for an action
    /// that expects no body.
    ///
    /// # Errors
    /// [`HandlerError::Declined`] where Rails would refuse the query or the content type, would not
    /// see plain strings, or would see a body's parameters too. So an action calls this even when it
    /// wants no parameter.
    pub fn query(&self) -> Result<Query, HandlerError> {
        if !self.body.is_empty() {
            return Err(HandlerError::Declined("the request has a body where none is expected"));
        }
        let content_type = self.headers.get(CONTENT_TYPE);
        if content_type.is_some_and(|it| it != "application/json") {
            return Err(HandlerError::Declined("the request has no body but a content type"));
        }
        Ok(Query::parse(&self.query)?)
    }

    /// The parameters of the body, the query and the path, as an action reads `params`. What
    /// `wrap_parameters` would add to those of a JSON body is left out.
    ///
    /// # Errors
    /// Where Rails would refuse them, or read them in a way that is not reproduced here.
    pub(crate) fn parameters(&self) -> Result<Parameters, HandlerError> {
        let kind = self.kind()?;
        let body = match kind {
            Kind::Nothing => Params::default(),
            Kind::Form => Params::from_form(&self.body)?,
            Kind::Multipart => self.multipart()?,
            Kind::Json if self.body.is_empty() => Params::default(),
            Kind::Json => Params::from_json(&self.body)?,
        };
        let form = matches!(kind, Kind::Form | Kind::Multipart).then_some(&body);
        let header = self.header("x-http-method-override")?;
        let method = (self.method == Method::POST).then(|| method_override(form, header)).flatten();
        let method = method.unwrap_or_else(|| self.method.clone());
        let all = Params::merged(body, Params::from_query(&self.query)?, &self.params);
        Ok(Parameters { all, method })
    }

    /// The value of the route's `{name}`.
    ///
    /// # Errors
    /// [`HandlerError::Declined`] when the route has no such parameter: routes.toml and the handler
    /// disagree, and the monolith knows what to answer.
    pub fn param(&self, name: &str) -> Result<&str, HandlerError> {
        let found = self.params.iter().find(|(it, _)| it == name);
        found
            .map(|(_, value)| value.as_str())
            .ok_or(HandlerError::Declined("the route has no such path parameter"))
    }

    /// The value of the route's `{name}` as `find` reads an id: `12abc` is 12, and `abc` is 0, which no
    /// row has.
    ///
    /// # Errors
    /// As [`Request::param`], and where a format follows.
    pub(crate) fn id(&self, name: &str) -> Result<i64, HandlerError> {
        let param = self.param(name)?;
        if param.contains('.') {
            return Err(HandlerError::Declined("the path names a format"));
        }
        Ok(to_i(param))
    }

    /// The parameters of what was really posted: to a `_method` another action may answer, or none.
    ///
    /// # Errors
    /// As [`Request::parameters`], and where the method is another.
    pub(crate) fn posted(&self) -> Result<Parameters, HandlerError> {
        let parameters = self.parameters()?;
        if parameters.method != Method::POST {
            return Err(HandlerError::Declined("a form names another method"));
        }
        Ok(parameters)
    }

    /// The field's value. Of several lines Rack makes one, which nobody sends on purpose.
    ///
    /// # Errors
    /// When there are several, or it is not text.
    pub(crate) fn header(&self, name: &str) -> Result<Option<&str>, HandlerError> {
        let mut lines = self.headers.get_all(name).iter();
        let line = lines.next().map(|it| it.to_str()).transpose();
        match (line, lines.next()) {
            (Ok(line), None) => Ok(line),
            _ => Err(HandlerError::Declined("a header field is not one line of text")),
        }
    }

    /// By the content type, and as Rack does for a POST without one.
    fn kind(&self) -> Result<Kind, HandlerError> {
        let Some(content_type) = self.header(CONTENT_TYPE.as_str())? else {
            let post = self.method == Method::POST && !self.body.is_empty();
            return Ok(if post { Kind::Form } else { Kind::Nothing });
        };
        let (media_type, parameters) = match content_type.split_once(';') {
            Some((media_type, parameters)) => (media_type.trim_end(), parameters.trim()),
            None => (content_type, ""),
        };
        let plain = parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8");
        match media_type {
            "application/x-www-form-urlencoded" if plain => Ok(Kind::Form),
            "multipart/form-data" => Ok(Kind::Multipart),
            "application/json" if plain => Ok(Kind::Json),
            _ => Err(HandlerError::Declined("the body is of a kind that is not read here")),
        }
    }

    fn multipart(&self) -> Result<Params, HandlerError> {
        let content_type = self.header(CONTENT_TYPE.as_str())?.unwrap_or_default();
        let disk = self.body.len() as u64;
        let mut multipart = Multipart::new(content_type, std::env::temp_dir(), disk)?;
        let read = multipart.write(&self.body).and_then(|()| multipart.finish());
        read.map_err(|error| match error {
            MultipartError::Params(error) => error.into(),
            MultipartError::Disk(_) => HandlerError::Declined("an upload could not be kept"),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use http::HeaderValue;

    use super::*;

    pub(crate) fn get(params: &[(&str, &str)]) -> Request {
        Request {
            method: Method::GET,
            base_url: "http://shop.test".to_owned(),
            path: "/".to_owned(),
            params: params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    fn post(content_type: Option<&'static str>, body: &'static str) -> Request {
        let mut request = Request { method: Method::POST, body: body.into(), ..get(&[]) };
        if let Some(content_type) = content_type {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        request
    }

    #[test]
    fn a_path_parameter_that_the_route_does_not_name_is_declined() {
        let request = get(&[("id", "7")]);
        assert_eq!(request.param("id").unwrap(), "7");
        assert!(matches!(request.param("slug"), Err(HandlerError::Declined(_))));
    }

    #[test]
    fn an_id_is_the_number_that_it_begins_with() {
        for (param, expected) in
            [("12", 12), ("0012", 12), ("12abc", 12), (" 12", 12), ("abc", 0), ("-1", -1)]
        {
            assert_eq!(get(&[("id", param)]).id("id").unwrap(), expected, "{param}");
        }
    }

    #[test]
    fn a_format_is_left_to_rails() {
        for param in ["12.xml", "1.5"] {
            let id = get(&[("id", param)]).id("id");
            assert!(matches!(id, Err(HandlerError::Declined(_))), "{param}");
        }
    }

    #[test]
    fn a_query_that_rack_would_not_read_as_strings_is_declined() {
        let mut request = get(&[]);
        request.query = "page=2".to_owned();
        assert_eq!(request.query().unwrap().get("page"), Some("2"));
        request.query = "page[]=2".to_owned();
        assert!(matches!(request.query(), Err(HandlerError::Declined(_))));
    }

    #[test]
    fn a_body_beside_the_query_is_declined() {
        let request = Request { body: Bytes::from_static(b"page=2"), ..get(&[]) };
        assert!(matches!(request.query(), Err(HandlerError::Declined(_))));
    }

    #[test]
    fn a_content_type_that_rails_might_refuse_is_declined() {
        let mut request = get(&[]);
        for (content_type, read) in
            [("application/json", true), ("garbage", false), ("multipart/form-data", false)]
        {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            assert_eq!(request.query().is_ok(), read, "{content_type}");
        }
    }

    #[test]
    fn parameters_are_read_by_the_bodys_kind() {
        const FORM: &str = "application/x-www-form-urlencoded";
        const MULTIPART: &str = "multipart/form-data; boundary=x";
        let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
        for (content_type, body) in [
            (Some(FORM), "a=1"),
            (Some("application/x-www-form-urlencoded; charset=UTF-8"), "a=1"),
            (None, "a=1"),
            (Some("application/json"), "{\"a\":\"1\"}"),
            (Some("application/json;charset=utf-8"), "{\"a\":\"1\"}"),
            (Some(MULTIPART), part),
        ] {
            let mut request = post(content_type, body);
            request.query = "b=2&a=0".to_owned();
            request.params = vec![("b".to_owned(), "3".to_owned())];
            let read = request.parameters().unwrap();
            assert_eq!(read.all.text("a"), Some("0"), "{content_type:?}: the query wins");
            assert_eq!(read.all.text("b"), Some("3"), "{content_type:?}: the path wins");
            assert_eq!(read.method, Method::POST);
            request.query = String::new();
            assert_eq!(request.parameters().unwrap().all.text("a"), Some("1"), "{content_type:?}");
        }
        for (content_type, body) in
            [(Some("text/plain"), "a=1"), (Some("application/json"), "{"), (Some(FORM), "a=%ff")]
        {
            let error = post(content_type, body).parameters().unwrap_err();
            assert!(error.is_declined(), "{content_type:?}: {error}");
        }
    }

    #[test]
    fn a_forms_method_counts_and_a_json_bodys_does_not() {
        let form = post(None, "_method=patch&quantity=2").parameters().unwrap();
        assert_eq!(form.method, Method::PATCH);
        let json = post(Some("application/json"), "{\"_method\":\"patch\"}").parameters().unwrap();
        assert_eq!(json.method, Method::POST);
        let mut get = post(None, "_method=patch");
        get.method = Method::GET;
        assert_eq!(get.parameters().unwrap().method, Method::GET);
    }
}
