//! What each call is answered with.

use std::collections::VecDeque;

use futures_util::stream::{BoxStream, StreamExt, try_unfold};
use onecommit_grpc::status_of;
use onecommit_http::{ApiError, check_text};
use storefront_catalog_proto::catalog_service_server::CatalogService;
use storefront_catalog_proto::{
    BatchGetProductsRequest, BatchGetProductsResponse, GetProductRequest, ListProductsRequest, Product,
};
use tonic::{Request, Response, Status};

use super::forms::product_of;
use crate::service::ProductReader;
use crate::{Description, Sku};

/// The most products that are named in one call: what one batch read has.
const NAMED_MAX: usize = 100;
/// How many products of a category are read at once.
const PAGE: u32 = 50;

/// What answers, on a table that it only reads.
pub(super) struct Answers(pub(super) ProductReader);

#[tonic::async_trait]
impl CatalogService for Answers {
    async fn get_product(&self, request: Request<GetProductRequest>) -> Result<Response<Product>, Status> {
        let sku = sku_of(request.into_inner().sku)?;
        let product = self.0.product(&sku).await.map_err(refused)?;
        let unknown = || refused(ApiError::not_found("unknownProduct", "there is no such product"));
        Ok(Response::new(product_of(product.ok_or_else(unknown)?)))
    }

    async fn batch_get_products(
        &self,
        request: Request<BatchGetProductsRequest>,
    ) -> Result<Response<BatchGetProductsResponse>, Status> {
        let skus = named(request.into_inner().skus)?;
        let found = self.0.existing(&skus).await.map_err(refused)?;
        let unknown = skus
            .iter()
            .filter(|sku| !found.iter().any(|product| product.sku == **sku));
        Ok(Response::new(BatchGetProductsResponse {
            unknown_skus: unknown.map(Sku::to_string).collect(),
            products: found.into_iter().map(product_of).collect(),
        }))
    }

    type ListProductsStream = BoxStream<'static, Result<Product, Status>>;

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<Self::ListProductsStream>, Status> {
        let category = request.into_inner().category;
        check_text("category", &category, 1..=Description::CATEGORY_BYTES_MAX).map_err(refused)?;
        let listed = Listed {
            products: self.0.clone(),
            category,
            read: VecDeque::new(),
            place: Place::Start,
        };
        Ok(Response::new(try_unfold(listed, Listed::next).boxed()))
    }
}

/// A category's products on their way: the next page is read when the caller has taken the one before.
struct Listed {
    products: ProductReader,
    category: String,
    read: VecDeque<Product>,
    place: Place,
}

enum Place {
    Start,
    After(Sku),
    End,
}

impl Listed {
    async fn next(mut self) -> Result<Option<(Product, Self)>, Status> {
        loop {
            if let Some(product) = self.read.pop_front() {
                return Ok(Some((product, self)));
            }
            let after = match &self.place {
                Place::Start => None,
                Place::After(sku) => Some(sku),
                Place::End => return Ok(None),
            };
            let page = self.products.of_category(&self.category, after, PAGE).await;
            let page = page.map_err(refused)?;
            self.read = page.products.into_iter().map(product_of).collect();
            self.place = page.next.map_or(Place::End, Place::After);
        }
    }
}

fn named(names: Vec<String>) -> Result<Vec<Sku>, Status> {
    let wrong = |message| refused(ApiError::invalid("invalidSkus", message));
    if names.is_empty() || names.len() > NAMED_MAX {
        return Err(wrong(format!("skus: it has to be 1 to {NAMED_MAX} SKUs")));
    }
    let mut skus = Vec::with_capacity(names.len());
    for name in names {
        let sku = sku_of(name)?;
        if !skus.contains(&sku) {
            skus.push(sku);
        }
    }
    Ok(skus)
}

fn sku_of(text: String) -> Result<Sku, Status> {
    Sku::new(text).map_err(|error| refused(ApiError::invalid("invalidSku", format!("sku: {error}"))))
}

fn refused(error: impl Into<ApiError>) -> Status {
    status_of(&error.into())
}
